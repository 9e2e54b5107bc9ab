package heating;

import java.util.NavigableMap;
import java.util.TreeMap;

/** Wanted temperatures by minute of the day; each holds until the next. */
public final class Schedule {
    private static final int FROST = 5;
    private final NavigableMap<Integer, Integer> degrees = new TreeMap<>();

    public void set(int minute, int wanted) {
        degrees.put(minute, wanted);
    }

    public int at(int minute) {
        var entry = degrees.floorEntry(minute);
        return entry == null ? FROST : entry.getValue();
    }

    public int size() {
        return degrees.size();
    }
}
