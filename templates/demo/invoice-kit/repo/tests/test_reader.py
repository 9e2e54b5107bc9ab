import unittest
from datetime import date

from invoice_kit.model import format_amount
from invoice_kit.reader import BadRow, read_invoices

HEADER = "number,customer,amount,issued,due,paid"


class ReaderTest(unittest.TestCase):
    def test_rows_become_invoices(self):
        (invoice,) = read_invoices([HEADER, "R-1,Ada,1234.5,2024-05-01,2024-05-15,"])
        self.assertEqual((invoice.cents, invoice.due, invoice.paid), (123450, date(2024, 5, 15), None))

    def test_a_bad_row_is_named(self):
        with self.assertRaisesRegex(BadRow, "R-2"):
            list(read_invoices([HEADER, "R-2,Bo,ten,2024-05-01,2024-05-15,"]))

    def test_amounts_are_written_for_people(self):
        self.assertEqual([format_amount(c) for c in (5, 123450, -99999999)], ["0.05", "1,234.50", "-999,999.99"])
