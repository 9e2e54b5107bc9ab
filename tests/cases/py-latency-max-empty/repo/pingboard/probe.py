"""Results of probes."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    host: str
    millis: float = 0.0
    ok: bool = True


def by_host(probes):
    """Probes grouped by host, hosts in alphabetical order."""
    groups = {}
    for probe in sorted(probes, key=lambda p: p.host):
        groups.setdefault(probe.host, []).append(probe)
    return groups
