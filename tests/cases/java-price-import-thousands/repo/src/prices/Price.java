package prices;

/** An amount in whole cents. */
public record Price(long cents) {
    @Override
    public String toString() {
        return String.format("%d.%02d", cents / 100, cents % 100);
    }
}
