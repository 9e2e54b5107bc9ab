import argparse
from datetime import datetime, timezone

from feed_parser.feed import parse_feed
from feed_parser.news import unseen

parser = argparse.ArgumentParser(prog="feed_parser")
parser.add_argument("file")
parser.add_argument("--since", type=datetime.fromisoformat, default=datetime(1970, 1, 1))
options = parser.parse_args()
with open(options.file, encoding="utf-8") as file:
    for item in unseen(parse_feed(file.read()), options.since.replace(tzinfo=timezone.utc)):
        print(f"{item.published:%Y-%m-%d %H:%M}  {item.title}")
