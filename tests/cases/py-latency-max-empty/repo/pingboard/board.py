"""The board on the wall."""
from pingboard.probe import by_host

WIDTH = 20


def bar(value, longest):
    """A bar whose length is relative to the longest value."""
    if value <= 0:
        return ""
    return "#" * max(1, round(WIDTH * value / longest))


def worst(probes):
    """The slowest answer, in milliseconds."""
    answered = [probe.millis for probe in probes if probe.ok]
    return max(answered)


def board(probes):
    groups = by_host(probes)
    longest = worst(probes)
    rows = []
    for host, results in groups.items():
        lost = sum(1 for probe in results if not probe.ok)
        slowest = worst(results)
        rows.append(f"{host:<10} {slowest:7.1f} ms  lost {lost}  {bar(slowest, longest)}".rstrip())
    return rows
