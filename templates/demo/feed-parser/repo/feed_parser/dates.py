"""Dates as feeds write them: `Wed, 01 May 2024 10:00:00 +0200`."""
import re
from datetime import datetime, timedelta, timezone

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DATE = re.compile(
    r"(?:\w{3}, )?(?P<day>\d{1,2}) (?P<month>\w{3}) (?P<year>\d{4}) "
    r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))? (?P<zone>GMT|UTC|Z|[+-]\d{4})"
)


def _offset(zone):
    if zone in ("GMT", "UTC", "Z"):
        return timedelta(0)
    sign = -1 if zone[0] == "-" else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))


def parse_date(text):
    """The moment in UTC; None where the text is no date."""
    found = _DATE.fullmatch(text.strip())
    if found is None or found["month"] not in _MONTHS:
        return None
    local = datetime(
        int(found["year"]),
        _MONTHS.index(found["month"]) + 1,
        int(found["day"]),
        int(found["hour"]),
        int(found["minute"]),
        int(found["second"] or 0),
        tzinfo=timezone.utc,
    )
    return local + _offset(found["zone"])
