"""Feeds and their items."""
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from datetime import datetime, timezone

from feed_parser.dates import parse_date

_NEVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


class NotAFeed(ValueError):
    """The text is no RSS feed."""


@dataclass(frozen=True)
class Item:
    title: str
    link: str
    published: datetime


def parse_feed(text):
    """The items of a feed, newest first; those without a date come last."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise NotAFeed(str(error)) from error
    items = [
        Item(
            title=(node.findtext("title") or "(untitled)").strip(),
            link=(node.findtext("link") or "").strip(),
            published=parse_date(node.findtext("pubDate") or "") or _NEVER,
        )
        for node in root.iter("item")
    ]
    return sorted(items, key=lambda item: item.published, reverse=True)
