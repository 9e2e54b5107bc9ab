import heating.Schedule;
import heating.ScheduleReader;
import java.util.List;

public class ScheduleReaderTest {
    private final ScheduleReader reader = new ScheduleReader();

    public void commentsAreSkipped() {
        assert reader.read(List.of("# winter", "", "06:30=21")).size() == 1;
    }

    public void aTemperatureHoldsUntilTheNext() {
        Schedule schedule = reader.read(List.of("06:30=21", "22:00=16"));
        assert schedule.at(12 * 60) == 21;
        assert schedule.at(23 * 60) == 16;
    }

    public void beforeTheFirstEntryItOnlyKeepsFrostAway() {
        assert reader.read(List.of("06:30=21")).at(60) == 5;
    }

    public void spacesAroundTheSignAreAllowed() {
        Schedule schedule = reader.read(List.of("06:30 = 21", "22:00 = 16"));
        assert schedule.at(400) == 21 : schedule.at(400);
    }
}
