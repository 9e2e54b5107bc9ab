import java.util.List;
import parcels.Dispatch;
import parcels.Scan;
import parcels.Tracker;

public class DispatchTest {
    private final Tracker tracker = new Tracker();

    public void fullVansAreRoundedUp() {
        for (int i = 0; i < 41; i++) {
            tracker.record(new Scan(i, "P" + i, "north"));
        }
        List<String> plan = new Dispatch(List.of("north")).plan(tracker);
        assert plan.equals(List.of("north: 41 parcels, 2 vans")) : plan;
    }

    public void anEmptyDepotNeedsNoVan() {
        tracker.record(Scan.parse("1,P1,north"));
        List<String> plan = new Dispatch(List.of("north", "airport")).plan(tracker);
        assert plan.equals(List.of("north: 1 parcels, 1 vans", "airport: 0 parcels, 0 vans")) : plan;
    }
}
