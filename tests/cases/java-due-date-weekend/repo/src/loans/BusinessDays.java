package loans;

import java.time.DayOfWeek;
import java.time.LocalDate;

/** Days on which the library is open. */
public final class BusinessDays {
    private BusinessDays() {}

    public static boolean isOpen(LocalDate day) {
        return day.getDayOfWeek() != DayOfWeek.SUNDAY;
    }

    /** The day itself where the library is open, else the next such day. */
    public static LocalDate onOrAfter(LocalDate day) {
        LocalDate open = day;
        while (!isOpen(open)) {
            open = open.plusDays(1);
        }
        return open;
    }
}
