package parcels;

/** A parcel was seen at a depot. */
public record Scan(long minute, String parcel, String depot) {
    /** Reads {@code minute,parcel,depot}. */
    public static Scan parse(String line) {
        String[] fields = line.split(",", -1);
        if (fields.length != 3) {
            throw new IllegalArgumentException("not a scan: " + line);
        }
        return new Scan(Long.parseLong(fields[0].trim()), fields[1].trim(), fields[2].trim());
    }
}
