import unittest

from pingboard.board import bar, board
from pingboard.probe import Probe


class BoardTest(unittest.TestCase):
    def test_bars_are_relative(self):
        self.assertEqual(bar(50, 100), "#" * 10)
        self.assertEqual(bar(0.1, 100), "#")

    def test_hosts_are_listed_in_order(self):
        rows = board([Probe("web", 40.0), Probe("db", 20.0), Probe("web", 10.0)])
        self.assertEqual([row.split()[0] for row in rows], ["db", "web"])
        self.assertTrue(rows[1].endswith("#" * 20))

    def test_a_host_that_never_answers_has_an_empty_bar(self):
        rows = board([Probe("web", 40.0), Probe("nas", ok=False), Probe("nas", ok=False)])
        self.assertEqual(rows[0], "nas            0.0 ms  lost 2")
