"""Runs the program as a workflow's job would: a fresh runner each time, with the variables of Actions.

Refuses to hand over anything of this machine's own environment but what finds programs, and to leave a process behind.
"""

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from emulator import Broken
from fleet import Tenant
from overlay import Overlay

LONGEST = 600
KEPT = ("PATH", "LANG", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO_HOME", "USER")


@dataclass
class Ended:
    """How a run ended."""

    code: int
    seconds: float
    outputs: dict[str, str]
    folder: Path
    text: str

    def told(self) -> str:
        """The end of what it said, for a failure's message."""
        tail = "\n".join(self.text.strip().splitlines()[-25:])
        return f"exit code {self.code} after {self.seconds:.0f} s, files in {self.folder}\n{tail}"


# Processes that were started and not waited for: what is left of them ends with this program.
ALIVE: set[subprocess.Popen] = set()
ENDED = threading.Event()


class Running:
    """One process of the program; `words` is its command, `run` with nothing else for the whole main job."""

    def __init__(
        self, binary: Path, tenant: Tenant, overlay: Overlay, number: int, words: list[str], extra: dict[str, str | None]
    ):
        if ENDED.is_set():
            raise Broken("another scenario broke")
        self.folder = tenant.folder / f"run-{number}"
        (self.folder / "temp").mkdir(parents=True)
        (self.folder / "home").mkdir()
        env = {name: os.environ[name] for name in KEPT if name in os.environ}
        # A home of its own for the job; toolchains are found where they are.
        env.setdefault("RUSTUP_HOME", str(Path.home() / ".rustup"))
        env.setdefault("CARGO_HOME", str(Path.home() / ".cargo"))
        env |= {
            "HOME": str(self.folder / "home"),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_TOKEN": tenant.bot_token,
            "GITHUB_API_URL": overlay.url,
            "GITHUB_SERVER_URL": overlay.url,
            "GITHUB_REPOSITORY": tenant.operator,
            "GITHUB_REPOSITORY_OWNER": tenant.owner,
            "GITHUB_EVENT_NAME": "schedule",
            "GITHUB_WORKFLOW": "homeostat",
            "GITHUB_JOB": "homeostat",
            "GITHUB_RUN_ID": str(1000 + number),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "HOMEOSTAT_ENV": "production",
            "HOMEOSTAT_GIT_URL": str(tenant.folder / "bare" / "{slug}.git"),
            "RUNNER_TEMP": str(self.folder / "temp"),
            "TMPDIR": str(self.folder / "temp"),
        }
        for name, value in extra.items():
            env.pop(name, None)
            if value is not None:
                env[name] = value
        for name in ("output", "summary.md"):
            (self.folder / name).touch()
        self._text = (self.folder / "text").open("wb")
        place = ["--config", str(tenant.folder / "repos.yml"), "--artifacts", str(self.folder / "artifacts")]
        command = [str(binary), *words, *place]
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=self._text, stderr=subprocess.STDOUT
        )
        ALIVE.add(self.process)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)

    def end(self) -> Ended:
        try:
            code = self.process.wait(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
            raise Broken(f"the program ran for more than {LONGEST} s; its words are in {self.folder / 'text'}") from None
        finally:
            ALIVE.discard(self.process)
            self._text.close()
        text = (self.folder / "text").read_text(errors="replace")
        return Ended(code, time.monotonic() - self._began, read_outputs(self.folder / "output"), self.folder, text)


def end_all() -> None:
    """Ends what is still running, and starts nothing more."""
    ENDED.set()
    for process in list(ALIVE):
        process.kill()


def read_outputs(path: Path) -> dict[str, str]:
    """Reads the file of a step's outputs: `name=value`, or `name<<MARK`, lines, `MARK`."""
    outputs, lines = {}, iter(path.read_text().splitlines())
    for line in lines:
        name, long, mark = line.partition("<<")
        if long and "=" not in name:
            outputs[name] = "\n".join(iter(lambda: next(lines, mark), mark))
        else:
            name, _, value = line.partition("=")
            outputs[name] = value
    return outputs
