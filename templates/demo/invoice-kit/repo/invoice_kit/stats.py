"""How customers pay."""
from dataclasses import dataclass

from invoice_kit.model import format_amount


@dataclass(frozen=True)
class Stats:
    invoices: int
    open_cents: int
    overdue: int
    days_to_pay: float

    def lines(self):
        return [
            f"invoices      {self.invoices}",
            f"open          {format_amount(self.open_cents)}",
            f"overdue       {self.overdue}",
            f"days to pay   {self.days_to_pay:.1f}",
        ]


def average_days_to_pay(invoices):
    """Mean number of days from issue to payment, over paid invoices."""
    days = [(invoice.paid - invoice.issued).days for invoice in invoices if invoice.paid]
    return sum(days) / len(days)


def share_overdue(invoices, today):
    """Part of the invoices that are overdue, between 0 and 1."""
    if not invoices:
        return 0.0
    return sum(1 for invoice in invoices if invoice.is_overdue(today)) / len(invoices)


def statistics(invoices, today):
    invoices = list(invoices)
    return Stats(
        invoices=len(invoices),
        open_cents=sum(invoice.cents for invoice in invoices if invoice.paid is None),
        overdue=sum(1 for invoice in invoices if invoice.is_overdue(today)),
        days_to_pay=average_days_to_pay(invoices),
    )
