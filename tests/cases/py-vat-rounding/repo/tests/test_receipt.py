import unittest
from decimal import Decimal

from quittung.receipt import totals
from quittung.vat import vat_of


class ReceiptTest(unittest.TestCase):
    def test_kinds_are_added_up_before_rounding(self):
        self.assertEqual(totals([("0.10", "reduced"), ("0.10", "reduced")])["vat"], Decimal("0.01"))

    def test_zero_rate_has_no_vat(self):
        self.assertEqual(totals([("12.00", "zero")])["gross"], Decimal("12.00"))

    def test_an_empty_receipt_is_zero(self):
        self.assertEqual(totals([])["gross"], Decimal("0.00"))

    def test_half_a_cent_counts_up(self):
        self.assertEqual(vat_of(Decimal("1.50"), "standard"), Decimal("0.29"))
        self.assertEqual(vat_of(Decimal("0.50"), "standard"), Decimal("0.10"))
        self.assertEqual(vat_of(Decimal("9.50"), "reduced"), Decimal("0.67"))
