package dice;

/** How often each sum was thrown. */
public final class Histogram {
    private final int[] counts;
    private final int offset;

    public Histogram(int dice, int sides) {
        this.offset = dice;
        this.counts = new int[dice * sides - dice + 1];
    }

    public void add(int sum) {
        counts[sum - offset]++;
    }

    public int count(int sum) {
        return counts[sum - offset];
    }

    public int lowest() {
        return offset;
    }

    /** The sum that was thrown most; the lowest of several. */
    public int mode() {
        int best = 0;
        for (int i = 1; i <= counts.length; i++) {
            if (counts[i] > counts[best]) {
                best = i;
            }
        }
        return best + offset;
    }
}
