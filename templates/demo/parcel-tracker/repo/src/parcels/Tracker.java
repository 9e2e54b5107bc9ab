package parcels;

import java.util.LinkedHashMap;
import java.util.Map;

/** Where each parcel was seen last. */
public final class Tracker {
    private final Map<String, Scan> latest = new LinkedHashMap<>();

    public void record(Scan scan) {
        Scan known = latest.get(scan.parcel());
        if (known == null || known.minute() <= scan.minute()) {
            latest.put(scan.parcel(), scan);
        }
    }

    /** The depot that a parcel was seen at last; null for one that nobody has seen. */
    public String whereIs(String parcel) {
        Scan scan = latest.get(parcel);
        return scan == null ? null : scan.depot();
    }

    /** How many parcels lie at each depot. */
    public Map<String, Integer> load() {
        Map<String, Integer> load = new LinkedHashMap<>();
        for (Scan scan : latest.values()) {
            load.merge(scan.depot(), 1, Integer::sum);
        }
        return load;
    }
}
