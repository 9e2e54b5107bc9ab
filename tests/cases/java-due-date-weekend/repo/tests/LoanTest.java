import java.time.LocalDate;
import loans.Loan;

public class LoanTest {
    public void aLoanLastsTwoWeeks() {
        LocalDate due = new Loan(LocalDate.of(2024, 5, 7)).due();
        assert due.equals(LocalDate.of(2024, 5, 21)) : due;
    }

    public void punctualReturnsCostNothing() {
        assert new Loan(LocalDate.of(2024, 5, 7)).feeOn(LocalDate.of(2024, 5, 20)) == 0;
    }

    public void everyDayLateCosts() {
        assert new Loan(LocalDate.of(2024, 5, 7)).feeOn(LocalDate.of(2024, 5, 24)) == 60;
    }

    public void booksLentOnSaturdayAreDueOnMonday() {
        LocalDate due = new Loan(LocalDate.of(2024, 5, 4)).due();
        assert due.equals(LocalDate.of(2024, 5, 20)) : "due on " + due;
    }
}
