import unittest

from logtally.parse import parse_line
from logtally.tally import tally

COMBINED = '10.0.0.7 - - [05/May/2024:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8.1"'
COMMON = '10.0.0.7 - - [05/May/2024:10:00:01 +0000] "POST /a HTTP/1.1" 503 -'


class TallyTest(unittest.TestCase):
    def test_query_is_cut_from_the_path(self):
        self.assertEqual(parse_line(COMBINED)["path"], "/a")

    def test_a_dash_is_no_bytes(self):
        self.assertEqual(parse_line(COMMON)["size"], 0)

    def test_noise_is_not_counted(self):
        classes, _ = tally(["", "-- log rotated --", COMBINED])
        self.assertEqual(classes, {"2xx": 1})

    def test_lines_in_the_common_format_have_an_unknown_agent(self):
        classes, agents = tally([COMBINED, COMMON])
        self.assertEqual(classes, {"2xx": 1, "5xx": 1})
        self.assertEqual(agents, {"curl/8.1": 1, "unknown": 1})
