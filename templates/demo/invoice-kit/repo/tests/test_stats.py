import unittest
from datetime import date

from invoice_kit.model import Invoice
from invoice_kit.stats import share_overdue, statistics

TODAY = date(2024, 6, 1)


def invoice(number, cents, paid=None, due=date(2024, 5, 15)):
    return Invoice(number, "Ada", cents, issued=date(2024, 5, 1), due=due, paid=paid)


class StatsTest(unittest.TestCase):
    def test_paid_and_open_invoices_are_told_apart(self):
        stats = statistics([invoice("R-1", 1000, paid=date(2024, 5, 4)), invoice("R-2", 250)], TODAY)
        self.assertEqual((stats.open_cents, stats.overdue, stats.days_to_pay), (250, 1, 3.0))

    def test_nothing_is_overdue_without_invoices(self):
        self.assertEqual(share_overdue([], TODAY), 0.0)

    def test_a_new_shop_without_payments_has_statistics(self):
        stats = statistics([invoice("R-1", 99000, due=date(2024, 6, 30))], TODAY)
        self.assertEqual(stats.lines()[1:], ["open          990.00", "overdue       0", "days to pay   0.0"])
