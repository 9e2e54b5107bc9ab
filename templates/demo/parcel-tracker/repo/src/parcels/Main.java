package parcels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

public final class Main {
    private static final List<String> ROUND = List.of("north", "harbour", "airport");

    public static void main(String[] args) throws IOException {
        Tracker tracker = new Tracker();
        for (String line : Files.readAllLines(Path.of(args[0]))) {
            tracker.record(Scan.parse(line));
        }
        new Dispatch(ROUND).plan(tracker).forEach(System.out::println);
    }
}
