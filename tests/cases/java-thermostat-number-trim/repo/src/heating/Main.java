package heating;

import java.nio.file.Files;
import java.nio.file.Path;

public final class Main {
    public static void main(String[] args) throws Exception {
        Schedule schedule = new ScheduleReader().read(Files.readAllLines(Path.of(args[0])));
        System.out.println(schedule.size() + " entries");
    }
}
