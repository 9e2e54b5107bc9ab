"""The scenarios: once, twice, two at once, in four jobs, a fault at every write, a death after every write.

Each has a world of its own on the emulator and ends in the same way: a run that nothing disturbs leaves exactly what is
wanted, and one more run writes nothing at all.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checks import World, require
from emulator import Api, Broken, Emulator
from fleet import Project, Tenant
from overlay import FailedRun, Fault, Overlay
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
    # The four privileges as jobs of their own, instead of `run`.
    jobs: bool = False
    # How long a new pull request is not listed, in seconds.
    lag: float = 0.0
    # What is done with the finished world.
    after: Callable[["Stage"], None] | None = None

    @property
    def troubled(self) -> bool:
        return self.fault is not None or self.apart is not None


@dataclass
class Result:
    """What came of a scenario."""

    runs: int
    seconds: float
    writes: list[str]
    requests_of_silence: int
    exit_codes: list[int]
    # What was not done, though the run said with its exit code that all is.
    unsaid: str | None


class Stage:
    """A scenario's world, opened."""

    def __init__(self, scenario: Scenario, emulator: Emulator, binary: Path):
        self.scenario, self.tenant, self.binary = scenario, scenario.tenant, binary
        self.tenant.folder.mkdir(parents=True)
        api = Api(emulator.port, self.tenant.owner_token)
        self.tenant.seed(api)
        self.world = World(api, self.tenant)
        self.overlay = Overlay(emulator.port, self.tenant.bot_token, self.tenant.read_token)
        self.overlay.lag = scenario.lag
        for one in self.tenant.projects:
            if one.log is not None:
                self.overlay.runs[self.tenant.slug(one)] = FailedRun(one.commit, one.log)
        self.started = 0
        self.codes: list[int] = []
        self.unsaid: str | None = None

    def start(self, words: list[str] | None = None, extra: dict[str, str | None] | None = None) -> Running:
        self.started += 1
        return Running(self.binary, self.tenant, self.overlay, self.started, words or ["run"], extra or {})

    def ended(self, running: Running, allowed: set[int]) -> Ended:
        end = running.end()
        self.codes.append(end.code)
        require(end.code in allowed, f"the run may end with {sorted(allowed)}: {end.told()}")
        wrongs = self.overlay.seen.wrongs
        require(not wrongs, f"{wrongs}: {end.told()}")
        self._keeps_the_tokens(end)
        return end

    def _keeps_the_tokens(self, end: Ended) -> None:
        """Nothing that a run leaves behind holds a token."""
        tokens = [self.tenant.bot_token.encode(), self.tenant.read_token.encode()]
        for path in sorted(end.folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                text = path.read_bytes()
                require(not any(token in text for token in tokens), f"a token is in {path}")


def play(scenario: Scenario, emulator: Emulator, binary: Path) -> Result:
    """Plays a scenario; an invariant that does not hold is raised."""
    began = time.monotonic()
    stage = Stage(scenario, emulator, binary)
    try:
        writes = _disturbed(stage)
        silence = _silent(stage)
        if scenario.after:
            scenario.after(stage)
    finally:
        stage.overlay.close()
    return Result(len(stage.codes), time.monotonic() - began, writes, silence, stage.codes, stage.unsaid)


def _disturbed(stage: Stage) -> list[str]:
    """Runs with the scenario's trouble, then without any until all is there; returns the writes of the first."""
    scenario, world = stage.scenario, stage.world
    stage.overlay.begin(scenario.fault)
    if scenario.apart is not None:
        _two_at_once(stage, scenario.apart)
    elif scenario.fault is not None:
        _one_with_a_fault(stage, scenario.fault)
    elif scenario.jobs:
        _in_four_jobs(stage)
    else:
        _says_what_it_did(stage.ended(stage.start(), {DONE}), stage.tenant.projects)
    writes = stage.overlay.seen.writes
    world.never_two()
    stage.overlay.lag = 0.0
    if not scenario.troubled:
        world.complete()
        return writes
    if stage.codes == [DONE]:
        try:
            world.complete()
        except Broken as broken:
            stage.unsaid = str(broken)
    stage.overlay.begin(None)
    end = stage.ended(stage.start(), {DONE})
    try:
        world.complete()
    except Broken as broken:
        raise Broken(f"{broken}\nafter the clean run: {end.told()}") from broken
    return writes


def _one_with_a_fault(stage: Stage, fault: Fault) -> None:
    if fault.seed is not None:
        # Trouble that does not end with the run: twice, once with two at once.
        _two_at_once(stage, apart=2)
    running = stage.start()
    stage.overlay.kill = running.kill
    allowed = {-9} if fault.kind.startswith("kill") else {DONE, AGAIN}
    end = stage.ended(running, allowed)
    if not fault.periodic:
        require(fault.hits > 0, f"there was no write {fault.at} to disturb: {end.told()}")


def _two_at_once(stage: Stage, apart: float) -> None:
    first = stage.start()
    time.sleep(apart)
    second = stage.start()
    for running in (first, second):
        stage.ended(running, {DONE, AGAIN})


def _in_four_jobs(stage: Stage) -> None:
    """Each job is a machine of its own that gets the files of the one before; the one that runs code cannot write."""
    work = stage.tenant.folder / "handed-on"
    reader = {"GITHUB_TOKEN": None, "HOMEOSTAT_READ_TOKEN": stage.tenant.read_token}
    stage.ended(stage.start(["reserve", "--out", str(work)]), {DONE})
    # What is leased is nobody else's, also where the process that took the lease has ended.
    writes_nothing(stage)
    proposed = stage.ended(stage.start(["propose", "--in", str(work), "--out", str(work)], reader), {DONE})
    digest = proposed.outputs.get("digest", "")
    require(digest.startswith("sha256:"), f"propose gives no digest: {proposed.told()}")
    stage.ended(stage.start(["record", "--in", str(work), "--digest", digest]), {DONE})
    before = len(stage.overlay.seen.writes)
    published = stage.ended(stage.start(["publish", "--in", str(work), "--digest", digest]), {DONE})
    require(len(stage.overlay.seen.writes) > before, f"publish wrote nothing: {published.told()}")


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
    requests = writes_nothing(stage)
    stage.world.complete()
    return requests


def writes_nothing(stage: Stage) -> int:
    """Runs, and requires that nothing is written, done or different. Returns the number of requests."""
    before = stage.world.picture()
    stage.overlay.begin(None)
    end = stage.ended(stage.start(), {DONE})
    seen = stage.overlay.seen
    require(not seen.writes, f"a run with nothing to do wrote {seen.writes}: {end.told()}")
    require(stage.world.picture() == before, f"a run that wrote nothing changed something: {end.told()}")
    require(end.outputs.get("prs-created") == "0", f"a run with nothing to do says {end.outputs}: {end.told()}")
    return seen.requests
