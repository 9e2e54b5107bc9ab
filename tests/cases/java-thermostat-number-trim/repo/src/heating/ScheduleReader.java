package heating;

import java.util.List;

/** Reads schedules: lines like {@code 06:30=21}, comments with {@code #}. */
public final class ScheduleReader {
    public Schedule read(List<String> lines) {
        Schedule schedule = new Schedule();
        for (String line : lines) {
            String text = line.strip();
            if (text.isEmpty() || text.startsWith("#")) {
                continue;
            }
            int split = text.indexOf('=');
            if (split < 0) {
                throw new IllegalArgumentException("no '=' in: " + text);
            }
            String clock = text.substring(0, split);
            String wanted = text.substring(split + 1);
            schedule.set(minuteOf(clock), Integer.parseInt(wanted));
        }
        return schedule;
    }

    private static int minuteOf(String clock) {
        String[] parts = clock.trim().split(":");
        return Integer.parseInt(parts[0]) * 60 + Integer.parseInt(parts[1]);
    }
}
