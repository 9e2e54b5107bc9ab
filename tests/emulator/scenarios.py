"""The scenarios: once, twice, two at once, a fault at every write, a death after every write.

Each has a world of its own on the emulator and ends in the same way: a run that nothing disturbs leaves exactly what is
wanted, and one more run writes nothing at all.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from checks import World, require
from emulator import Api, Emulator
from fleet import Project, Tenant
from overlay import Fault, Overlay
from program import Ended, Running

# Done, and "incomplete, try again": all that a fault of the forge may come to.
DONE, AGAIN = 0, 4


@dataclass
class Scenario:
    """One row of the table."""

    group: str
    tenant: Tenant
    fault: Fault | None = None
    # Seconds between the starts of two runs at once; `None` for one run.
    apart: float | None = None


@dataclass
class Result:
    """What came of a scenario."""

    runs: int
    seconds: float
    writes: int
    requests_of_silence: int
    exit_codes: list[int]


class Stage:
    """A scenario's world, opened."""

    def __init__(self, scenario: Scenario, emulator: Emulator, binary: Path):
        self.scenario, self.tenant, self.binary = scenario, scenario.tenant, binary
        self.tenant.folder.mkdir(parents=True)
        api = Api(emulator.port, self.tenant.owner_token)
        self.tenant.seed(api)
        self.world = World(api, self.tenant)
        self.overlay = Overlay(emulator.port, self.tenant.bot_token)
        self.codes: list[int] = []

    def start(self) -> Running:
        return Running(self.binary, self.tenant, self.overlay, len(self.codes) + 1)

    def ended(self, running: Running, allowed: set[int]) -> Ended:
        end = running.end()
        self.codes.append(end.code)
        require(end.code in allowed, f"the run may end with {sorted(allowed)}: {end.told()}")
        self._keeps_the_token(end)
        return end

    def _keeps_the_token(self, end: Ended) -> None:
        """Nothing that a run leaves behind holds its token."""
        token = self.tenant.bot_token.encode()
        for path in sorted(end.folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                require(token not in path.read_bytes(), f"the token is in {path}")

    def told(self, ends: list[Ended]) -> str:
        return "\n".join(end.told() for end in ends)


def play(scenario: Scenario, emulator: Emulator, binary: Path) -> Result:
    """Plays a scenario; an invariant that does not hold is raised."""
    began = time.monotonic()
    stage = Stage(scenario, emulator, binary)
    try:
        writes = _disturbed(stage)
        silence = _silent(stage)
    finally:
        stage.overlay.close()
    return Result(len(stage.codes), time.monotonic() - began, writes, silence, stage.codes)


def _disturbed(stage: Stage) -> int:
    """Runs with the scenario's trouble, then without any until all is there; returns the writes of the first."""
    scenario, world = stage.scenario, stage.world
    stage.overlay.begin(scenario.fault)
    if scenario.apart is not None:
        _two_at_once(stage)
    elif scenario.fault is None:
        end = stage.ended(stage.start(), {DONE})
        _says_what_it_did(end, stage.tenant.projects)
    else:
        _one_with_a_fault(stage, scenario.fault)
    writes = len(stage.overlay.seen.writes)
    world.never_two()
    if scenario.fault is not None or scenario.apart is not None:
        stage.overlay.begin(None)
        end = stage.ended(stage.start(), {DONE})
        try:
            world.complete()
        except Exception as error:
            raise type(error)(f"{error}\nafter the clean run: {end.told()}") from error
    else:
        world.complete()
    return writes


def _one_with_a_fault(stage: Stage, fault: Fault) -> None:
    running = stage.start()
    stage.overlay.kill = running.kill
    allowed = {-9} if fault.kind.startswith("kill") else {DONE, AGAIN}
    end = stage.ended(running, allowed)
    if not fault.periodic:
        require(fault.hits > 0, f"there was no write {fault.at} to disturb: {end.told()}")


def _two_at_once(stage: Stage) -> None:
    first = stage.start()
    stage.codes.append(0)
    time.sleep(stage.scenario.apart)
    second = stage.start()
    stage.codes.pop()
    for running in (first, second):
        stage.ended(running, {DONE, AGAIN})


def _says_what_it_did(end: Ended, projects: list[Project]) -> None:
    """The outputs of the action and the summary tell the same as the emulator."""
    wanted = {"prs-created": str(len(projects)), "exit-class": "ok"}
    said = {name: end.outputs.get(name) for name in wanted}
    require(said == wanted, f"the outputs say {said}, not {wanted}: {end.told()}")
    summary = (end.folder / "summary.md").read_text()
    for one in projects:
        require(one.name in summary, f"the summary does not speak of {one.name}:\n{summary}")
    records = list((end.folder / "artifacts").glob("run-*.jsonl"))
    require(len(records) == 1, f"there are {len(records)} records in {end.folder / 'artifacts'}")


def _silent(stage: Stage) -> int:
    """One more run: it writes nothing, and nothing is different. Returns its requests."""
    before = stage.world.picture()
    stage.overlay.begin(None)
    end = stage.ended(stage.start(), {DONE})
    seen = stage.overlay.seen
    require(not seen.writes, f"a run with nothing to do wrote {seen.writes}: {end.told()}")
    require(stage.world.picture() == before, f"a run that wrote nothing changed something: {end.told()}")
    require(end.outputs.get("prs-created") == "0", f"a run with nothing to do says {end.outputs}: {end.told()}")
    stage.world.complete()
    return seen.requests
