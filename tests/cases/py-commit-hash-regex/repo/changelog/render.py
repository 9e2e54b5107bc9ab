"""Writes the change log."""
from changelog.commits import parse_commit

TITLES = {"feat": "Added", "fix": "Fixed", "docs": "Documented"}


def render(log):
    """Sections in a fixed order, each commit as a bullet; other commits are left out."""
    commits = [parse_commit(line) for line in log.splitlines() if line.strip()]
    parts = []
    for kind, title in TITLES.items():
        chosen = [commit for commit in commits if commit.kind == kind]
        if chosen:
            parts.append("\n".join([f"### {title}", *(f"- {c.subject.split(': ', 1)[1]} ({c.hash})" for c in chosen)]))
    return "\n\n".join(parts)
