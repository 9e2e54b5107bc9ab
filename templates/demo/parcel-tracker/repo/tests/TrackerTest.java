import java.util.Map;
import parcels.Scan;
import parcels.Tracker;

public class TrackerTest {
    private final Tracker tracker = new Tracker();

    public void theLatestScanWins() {
        tracker.record(Scan.parse("20,P1,harbour"));
        tracker.record(Scan.parse("10,P1,north"));
        assert tracker.whereIs("P1").equals("harbour") : tracker.whereIs("P1");
    }

    public void anUnseenParcelIsNowhere() {
        assert tracker.whereIs("P9") == null;
    }

    public void parcelsAreCountedByDepot() {
        tracker.record(Scan.parse("1,P1,north"));
        tracker.record(Scan.parse("2,P2,north"));
        assert tracker.load().equals(Map.of("north", 2)) : tracker.load();
    }

    public void halfAScanIsRefused() {
        try {
            Scan.parse("10,P1");
            assert false : "no exception";
        } catch (IllegalArgumentException e) {
            assert e.getMessage().equals("not a scan: 10,P1") : e.getMessage();
        }
    }
}
