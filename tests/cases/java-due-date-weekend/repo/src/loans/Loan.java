package loans;

import java.time.LocalDate;
import java.time.temporal.ChronoUnit;

/** One borrowed book. */
public final class Loan {
    private static final int DAYS = 14;
    private static final int CENTS_A_DAY = 20;
    private final LocalDate due;

    public Loan(LocalDate lentOn) {
        this.due = BusinessDays.onOrAfter(lentOn.plusDays(DAYS));
    }

    public LocalDate due() {
        return due;
    }

    /** The fee for bringing the book back on that day. */
    public long feeOn(LocalDate day) {
        return Math.max(0, ChronoUnit.DAYS.between(due, day)) * CENTS_A_DAY;
    }
}
