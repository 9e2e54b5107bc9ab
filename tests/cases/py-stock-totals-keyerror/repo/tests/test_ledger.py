import unittest

from warehouse.ledger import Ledger
from warehouse.movements import Movement, parse_movements


class MovementsTest(unittest.TestCase):
    def test_comments_and_blank_lines_are_skipped(self):
        parsed = parse_movements("# monday\n\nBOLT-8; +40; A3  # refill\n")
        self.assertEqual(parsed, [Movement("BOLT-8", 40, "A3")])


class LedgerTest(unittest.TestCase):
    def test_known_articles_are_added_up(self):
        ledger = Ledger({"BOLT-8": 10})
        ledger.record_all([Movement("BOLT-8", 40, "A3"), Movement("BOLT-8", -5, "A4")])
        self.assertEqual(ledger.report(), ["BOLT-8: 45 in A4"])

    def test_unknown_articles_are_not_on_hand(self):
        self.assertEqual(Ledger().on_hand("NUT-8"), 0)

    def test_first_delivery_of_an_article_opens_its_account(self):
        ledger = Ledger({"BOLT-8": 10})
        ledger.record(Movement("NUT-8", 200, "B1"))
        self.assertEqual(ledger.on_hand("NUT-8"), 200)
        self.assertEqual(ledger.where("NUT-8"), "B1")
