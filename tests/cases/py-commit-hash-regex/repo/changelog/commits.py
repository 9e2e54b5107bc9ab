"""Understands `git log --oneline --no-decorate`."""
import re
from dataclasses import dataclass

_LINE = re.compile(r"(?P<hash>[a-z0-9]{7}) (?P<subject>.+)")
_KIND = re.compile(r"(?P<kind>feat|fix|docs)(?:\((?P<scope>[\w-]+)\))?: (?P<text>.+)")


@dataclass(frozen=True)
class Commit:
    hash: str
    subject: str

    @property
    def kind(self):
        found = _KIND.match(self.subject)
        return found.group("kind") if found else "other"


def parse_commit(line):
    """One line of the log; hashes are shortened by git, to seven digits or more."""
    match = _LINE.fullmatch(line.strip())
    return Commit(match.group("hash"), match.group("subject"))
