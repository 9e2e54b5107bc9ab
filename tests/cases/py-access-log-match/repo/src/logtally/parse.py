"""Reads the lines of an access log."""
import re

_REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d{3}) (?P<size>\d+|-)')
_AGENT = re.compile(r'"[^"]*" "([^"]+)"$')


def parse_line(line):
    """Method, path, status and size of one line, or None where it is no request."""
    found = _REQUEST.search(line)
    if found is None:
        return None
    size = found.group("size")
    return {
        "method": found.group("method"),
        "path": found.group("path").split("?", 1)[0],
        "status": int(found.group("status")),
        "size": 0 if size == "-" else int(size),
    }


def user_agent(line):
    """The user agent at the end of a combined line; None where there is none."""
    match = _AGENT.search(line)
    return match.group(1)
