"""The machine the old jobs live on: its crontab, its programs, and who works at whose bidding."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from onbeat import InvalidInput

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TROUBLES = ("share-away", "bank-away", "disk-full")
PROGRAMS = {
    "cron": "examples.cron_tracking.before.minutes",
    "loop": "examples.cron_tracking.before.sync_loop",
    "apscheduler": "examples.cron_tracking.before.scheduler_app",
    "tracked-loop": "examples.cron_tracking.after.tracked_loop",
}
STOP_SECONDS = 60
MARK = ".made-by-the-cron-tracking-demo"
"""A file in each folder that was made here: without it none is deleted, but for OWN."""

OWN = HERE / "demo"


@dataclass(slots=True)
class Shop:
    """A folder with the crontab and the scripts, and the processes that run them."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def opened(cls, folder: Path) -> Shop:
        """Set up anew, with its troubles. Raises InvalidInput for a folder of somebody's own."""
        _clear(folder)
        shutil.copytree(HERE / "before/bin", folder / "bin")
        (folder / "moved").mkdir()
        text = (HERE / "before/crontab").read_text()
        (folder / "crontab").write_text(text.replace("/srv/shop", str(folder)))
        for trouble in TROUBLES:
            (folder / trouble).touch()
        (folder / "ledger").touch()
        return cls(folder)

    @property
    def crontab(self) -> Path:
        """What cron reads."""
        return self.folder / "crontab"

    def begin(self, name: str, *onbeat: str) -> None:
        """Start one of the programs, or a command of `onbeat`, in a group of its own."""
        crontab = [str(self.crontab)] if name == "cron" else []
        program = ["onbeat", *onbeat] if onbeat else [PROGRAMS[name], *crontab]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *program], cwd=ROOT,
                env={**os.environ, "SHOP": str(self.folder), "ONBEAT_LOG_FORMAT": "json"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    async def end(self, name: str) -> None:
        """Let it finish what it does, and wait for that: a worker here may have to do it."""
        process = self.running.pop(name)
        process.terminate()
        await asyncio.to_thread(process.wait, STOP_SECONDS)

    def kill(self, name: str) -> None:
        """All of its processes, as when its machine loses power."""
        process = self.running.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_SECONDS)

    def close(self) -> None:
        """End what still runs, whatever it does."""
        for name in list(self.running):
            self.kill(name)

    def comment(self, job: str) -> int:
        """Put a `#` before its line; how many lines are left."""
        return self._edit(job, "# ", "")

    def uncomment(self, job: str) -> int:
        """Take the `#` away; how many lines there are."""
        return self._edit(job, "", "# ")

    def _edit(self, job: str, to_add: str, to_take: str) -> int:
        lines = [
            to_add + line.removeprefix(to_take) if f"/bin/{job}" in line else line
            for line in self.crontab.read_text().splitlines()
        ]
        self.crontab.write_text("\n".join(lines) + "\n")
        return sum("/bin/" in line and line[0] not in "#S" for line in lines)

    def hand_over(self, job: str) -> None:
        """A program finds that the job is somebody else's."""
        (self.folder / "moved" / job).touch()

    def take_back(self, job: str) -> None:
        """And that it is its own again."""
        (self.folder / "moved" / job).unlink()

    def mend(self) -> None:
        """All troubles are over."""
        for trouble in TROUBLES:
            (self.folder / trouble).unlink()

    def log(self, name: str) -> list[str]:
        """What a program has said."""
        return (self.folder / f"{name}.log").read_text().splitlines()

    def did(self, job: str) -> list[str]:
        """At whose bidding the work was done, run by run."""
        rows = [line.split() for line in (self.folder / "ledger").read_text().splitlines()]
        return [row[1] for row in rows if len(row) == 3 and row[0] == job]

    def hands(self, job: str) -> list[str]:
        """The same, each hand once as long as it had the job: one that comes and goes shows."""
        return [by for by, _ in groupby(self.did(job))]

    def holder(self, job: str) -> str | None:
        """Who did it last; None where nobody has."""
        return next(reversed(self.did(job)), None)


def _clear(folder: Path) -> None:
    """A folder that is new. `SHOP` may be set for a shop in earnest, and that is left alone."""
    if (folder / MARK).is_file() or (folder == OWN and folder.exists()):
        shutil.rmtree(folder)
    elif folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        told = f"{folder} was not made by this demo; give a folder that does not exist, or unset it"
        raise InvalidInput("SHOP", told)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
