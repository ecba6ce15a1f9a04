"""The processes of a run: started, watched, replaced when they die, and ended at last."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from onbeat.crash_points import OF_NOTICES, SQLITE_ONLY, CrashPoint
from tests.chaos import processes
from tests.chaos.client import Wish
from tests.chaos.conditions import NARROW
from tests.chaos.history import Pause

ROOT = Path(__file__).parents[2]
LOOK_EVERY = 0.05
END_SECONDS = 30.0
LATEST_PASS = 30
"""A process that is armed dies at the latest when it passes its point for this time."""

SHAPES: dict[str, tuple[str, ...]] = {
    "up": ("worker", "scheduler"),
    "worker": ("worker", "apart"),
    "scheduler": ("scheduler",),
}
"""What runs in a process of each shape; the worker's heart beats in a thread, or apart."""

SETTINGS = {
    "ONBEAT_API": "false",
    "ONBEAT_HEARTBEAT": "300ms",
    "ONBEAT_RESCUE_AFTER": "1500ms",
    "ONBEAT_SHUTDOWN_GRACE": "20s",
    "ONBEAT_QUEUES": f"default,{NARROW}",
}
LEASE = 1.5
HEARTBEAT = 0.3


@dataclass(eq=False)
class Member:
    """One process, and what it is to be replaced by."""

    shape: str
    process: subprocess.Popen[bytes]
    stands_until: float = 0.0
    """While it is stopped: when it is to go on."""
    stood_from: float = 0.0
    stopped: list[int] = field(default_factory=list)

    @property
    def has_worker(self) -> bool:
        """Whether it runs jobs."""
        return self.shape in ("up", "worker")


class Fleet:
    """All processes of a run but the database's."""

    def __init__(self, url: str, folder: Path, shapes: list[str], luck: random.Random) -> None:
        """Start with none."""
        self._url = url
        self._folder = folder
        self._luck = luck
        self._wanted = shapes
        self.mark = f"CHAOS_RUN={uuid.uuid4().hex}"
        self.members: list[Member] = []
        self.client: subprocess.Popen[bytes] | None = None
        self.deaths: dict[int, float] = {}
        self.pauses: list[Pause] = []
        self.counts: Counter[str] = Counter()
        self.armed_share = 0.0
        """How many of the processes that are started die at a crash point."""
        self._wish: Wish | None = None
        self.has_asked_all = False

    @property
    def notes(self) -> Path:
        """What the client notes."""
        return self._folder / "client.log"

    def start(self, shapes: list[str] | None = None) -> None:
        """Start a process of each shape."""
        for shape in self._wanted if shapes is None else shapes:
            armed = self._pick_point() if self._luck.random() < self.armed_share else ""
            process = self._spawn("tests.chaos.app", *SHAPES[shape], ARMED=armed)
            self.members.append(Member(shape, process))

    def ask(self, wish: Wish) -> None:
        """Start the client."""
        self._wish = wish
        self.client = self._spawn(
            "tests.chaos.client", str(wish.jobs), str(wish.rate), str(wish.seed),
            str(wish.longest), str(wish.poison_every), str(self.notes),
        )  # fmt: skip

    def tend(self) -> None:
        """Note who died and replace them; let those go on whose pause is over."""
        now = time.monotonic()
        for member in list(self.members):
            if member.process.poll() is not None:
                self.deaths[member.process.pid] = now
                self.members.remove(member)
                self._note_pause(member, now)
                processes.send(member.stopped, signal.SIGCONT)
                self.start([member.shape])
            elif member.stopped and now >= member.stands_until:
                self.resume(member)
        if self.client is not None and self.client.poll() is not None and self._wish is not None:
            if self.client.returncode == 0:
                self.client, self.has_asked_all = None, True
            else:
                self.ask(self._wish)

    def kill(self, member: Member) -> None:
        """End a process as a power cut would."""
        member.process.kill()
        member.process.wait()

    def stop(self, member: Member, seconds: float, *, alone: bool) -> None:
        """Let a process stand still, with all below it or alone."""
        pid = member.process.pid
        member.stopped = [pid] if alone else [pid, *processes.descendants(pid)]
        member.stood_from = time.monotonic()
        member.stands_until = member.stood_from + seconds
        processes.send(member.stopped, signal.SIGSTOP)

    def resume(self, member: Member) -> None:
        """Let it go on."""
        processes.send(member.stopped, signal.SIGCONT)
        self._note_pause(member, time.monotonic())
        member.stopped = []

    def _is_ready(self, member: Member) -> bool:
        return (self._folder / f"ready-{member.process.pid}").exists()

    def _note_pause(self, member: Member, until: float) -> None:
        if member.stopped:
            self.pauses.append(Pause(member.process.pid, member.stood_from, until))

    async def end(self) -> list[str]:
        """Ask all to end, and wait; those that did not end well.

        One that is still starting has no handler yet, and would be ended by the signal itself.
        """
        while not all(self._is_ready(member) for member in self.members):
            await asyncio.sleep(LOOK_EVERY)
            self.tend()
        for member in self.members:
            member.process.send_signal(signal.SIGTERM)
        wrong = []
        for member in self.members:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(member.process.wait, END_SECONDS)
            code = member.process.returncode
            if code != 0:
                wrong.append(f"{member.shape} {member.process.pid} ended with {code}")
            self.deaths[member.process.pid] = time.monotonic()
        return wrong

    def kill_all(self) -> None:
        """Leave nothing, whatever happened."""
        running = [member.process for member in self.members]
        for process in [*running, self.client]:
            if process is not None:
                process.kill()
                process.wait()
        processes.send(processes.marked(self.mark), signal.SIGKILL)

    def _pick_point(self) -> str:
        points = [
            each
            for each in CrashPoint
            if (self._url.startswith("sqlite") or each not in SQLITE_ONLY)
            and each not in OF_NOTICES
        ]
        point = self._luck.choice(points)
        self.counts[f"armed at {point}"] += 1
        return f"{point}:{self._luck.randint(1, LATEST_PASS)}"

    def _spawn(self, module: str, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        name, _, value = self.mark.partition("=")
        settings = {
            **SETTINGS, name: value, "ONBEAT_DB": self._url, "CHAOS_FOLDER": str(self._folder),
        }  # fmt: skip
        with (self._folder / "errors").open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**os.environ, **settings, **more},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
