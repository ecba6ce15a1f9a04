"""A fleet of one release that is brought to another while it works."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

from tests.deploy.releases import NEW, Release
from tests.e2e.crews import Crew, Effect
from tests.forking import Running
from tests.outages.feeder import Ledger
from tests.waiting import wait_until

APP = "tests.e2e.apps.crew:ob"
PARTS = ("up", "worker", "asker")
"""A scheduler and a worker in one process, another worker, and who asks for jobs."""

WORKERS = slice(0, 2)
DEADLINE = 60.0

UNHURRIED = {"ONBEAT_HEARTBEAT": "1s", "ONBEAT_RESCUE_AFTER": "10s", "ONBEAT_SHUTDOWN_GRACE": "30s"}
"""Nobody is to be taken for dead on a machine that has much to do."""


class Rollout:
    """A fleet of the old release, then of the new."""

    def __init__(self, fleet: Crew, folder: Path, old: Release) -> None:
        """Begin with nothing, not even tables."""
        self.fleet = fleet
        self.old = old
        self._asked = folder / "asked"
        self._gate = folder / "gate"
        self._ledger = Ledger(fleet.ledger)
        self._running: list[Running] = []

    def begin(self) -> None:
        """The fleet of the old release at work, with a schedule that is due every second."""
        self.command(self.old, "db", "migrate")
        self.command(
            self.old, "schedules", "add", "each-second", "--task", "beat", "--every", "1s",
            "--overlap", "allow", "--catch-up", "all within 1h", "--app", APP,
        )  # fmt: skip
        with ThreadPoolExecutor(len(PARTS)) as threads:
            self._running = list(threads.map(partial(self._start, self.old), PARTS))
        self.await_work()

    def migrate(self) -> None:
        """Give the database the new schema, under the old fleet, which goes on."""
        self.command(NEW, "db", "migrate")
        self.await_work()

    def refused(self) -> int:
        """How a process of the old release ends that starts now."""
        return self._run(self.old, "worker", "--app", APP)

    def replace_all(self) -> None:
        """Start one of the new release and end its elder, again and again, with a job running."""
        holder = self._have_one_running()
        for at, part in enumerate(PARTS):
            elder, self._running[at] = self._running[at], self._start(NEW, part)
            elder.terminate()
            if elder.pid == holder:
                self._gate.touch()
            assert elder.wait(DEADLINE) == 0, f"{part}: {self.errors}"
        self.await_work()

    def come_to_rest(self) -> None:
        """Ask for nothing more."""
        self._running[-1].terminate()
        self.command(NEW, "schedules", "pause", "each-second")

    def end(self) -> list[int]:
        """End all in good order; their exit codes."""
        for each in self._running:
            if each.poll() is None:
                each.terminate()
        return [each.wait(DEADLINE) for each in self._running]

    def await_work(self) -> None:
        """Until each worker has done a job that was asked for, and two of the schedule were done,
        after now.
        """
        self._ledger.read()
        since, beats = time.time(), self._ledger.counts["beat"] + 2
        wanted = {each.pid for each in self._running[WORKERS]}

        def all_work() -> bool:
            short = {each.worker for each in self._ledger.short(since)}
            return short >= wanted and self._ledger.counts["beat"] >= beats

        wait_until(all_work, DEADLINE, f"work of every worker; {self.errors}")

    def accepted(self) -> set[str]:
        """The jobs that were asked for, as who asked has noted them."""
        return {line.replace("-", "") for line in self._asked.read_text().split()}

    def effects(self) -> list[Effect]:
        """What the jobs have noted."""
        return self._ledger.read()

    def command(self, release: Release, *words: str) -> None:
        """Run a command of a release, which succeeds."""
        assert self._run(release, *words) == 0, self.errors

    @property
    def errors(self) -> str:
        """What all processes have said of themselves."""
        return self.fleet.errors.read_text()

    def _have_one_running(self) -> int:
        """Start a job that ends when the gate is open; the worker it runs in."""
        args = json.dumps({"gate": str(self._gate)})
        self.command(NEW, "jobs", "enqueue", "stay", "--args", args, "--app", APP)

        def holders() -> list[int]:
            return [each.worker for each in self._ledger.read() if each.word == "begun"]

        wait_until(holders, DEADLINE, "the begin of the long job")
        return holders()[0]

    def _run(self, release: Release, *words: str) -> int:
        return self.fleet.start_command(*words, env=self._env(release)).wait(DEADLINE)

    def _start(self, release: Release, part: str) -> Running:
        env = self._env(release)
        if part == "asker":
            return self.fleet.start_program("tests.e2e.apps.asker", env=env)
        return self.fleet.start_onbeat(part, env=env)

    def _env(self, release: Release) -> dict[str, str]:
        return {**release.env, **UNHURRIED, "ASKED": str(self._asked)}


def gaps(moments: Sequence[float]) -> list[float]:
    """The distances between moments that are not one second."""
    pairs = pairwise(moments)
    return [after - before for before, after in pairs if abs(after - before - 1) > 0.01]
