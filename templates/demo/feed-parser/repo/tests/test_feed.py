import unittest
from datetime import datetime, timezone

from feed_parser.dates import parse_date
from feed_parser.feed import NotAFeed, parse_feed
from feed_parser.news import unseen


def rss(*items):
    body = "".join(f"<item><title>{t}</title><link>{l}</link><pubDate>{d}</pubDate></item>" for t, l, d in items)
    return f"<rss><channel>{body}</channel></rss>"


class DatesTest(unittest.TestCase):
    def test_greenwich_needs_no_conversion(self):
        self.assertEqual(parse_date("Wed, 01 May 2024 10:00:00 GMT"), datetime(2024, 5, 1, 10, tzinfo=timezone.utc))

    def test_other_texts_are_no_dates(self):
        self.assertIsNone(parse_date("yesterday"))
        self.assertIsNone(parse_date("01 Mai 2024 10:00 GMT"))


class FeedTest(unittest.TestCase):
    def test_html_is_no_feed(self):
        with self.assertRaises(NotAFeed):
            parse_feed("<html><br></html>")

    def test_items_without_a_date_come_last(self):
        items = parse_feed(rss(("Old", "/1", ""), ("New", "/2", "01 May 2024 10:00 GMT")))
        self.assertEqual([item.title for item in items], ["New", "Old"])

    def test_items_from_two_zones_are_in_order(self):
        items = parse_feed(
            rss(
                ("Berlin at ten", "/berlin", "Wed, 01 May 2024 10:00:00 +0200"),
                ("London at nine", "/london", "Wed, 01 May 2024 09:00:00 +0000"),
            )
        )
        self.assertEqual([item.title for item in items], ["London at nine", "Berlin at ten"])


class NewsTest(unittest.TestCase):
    def test_a_link_is_told_once(self):
        items = parse_feed(rss(("A", "/a", "01 May 2024 10:00 GMT"), ("A again", "/a", "01 May 2024 09:00 GMT")))
        news = unseen(items, datetime(2024, 4, 1, tzinfo=timezone.utc))
        self.assertEqual([item.title for item in news], ["A"])
