package parcels;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Decides how many vans each depot needs. */
public final class Dispatch {
    private static final int PER_VAN = 40;
    private final List<String> depots;

    public Dispatch(List<String> depots) {
        this.depots = List.copyOf(depots);
    }

    private static int vans(int parcels) {
        return (parcels + PER_VAN - 1) / PER_VAN;
    }

    /** One line for each depot, in the order of the round. */
    public List<String> plan(Tracker tracker) {
        Map<String, Integer> load = tracker.load();
        List<String> lines = new ArrayList<>();
        for (String depot : depots) {
            int parcels = load.get(depot);
            lines.add(depot + ": " + parcels + " parcels, " + vans(parcels) + " vans");
        }
        return lines;
    }
}
