"""Instances of the services as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

APP = "examples.csv_pipeline.app:ob"
SERVICES = (
    "csv-import", "import-processing", "session-processing", "batch-processing",
    "batch-processing-check",
)  # fmt: skip
ROOT = Path(__file__).parents[2]
PATIENCE = 15


class Fleet:
    """Those that were started, by name."""

    def __init__(self, log: Path) -> None:
        """What they say goes into a file."""
        self._log = log
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *services: str, **variables: str) -> None:
        """Another instance; of all services, unless some are named."""
        with self._log.open("ab") as out:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "onbeat", "run", *(services or SERVICES), "--app", APP],
                env={**os.environ, **variables, "SCHEDULER_INSTANCE_ID": name}, cwd=ROOT,
                stdout=out, stderr=out,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """As a machine that is gone."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def end(self) -> list[int]:
        """Ask all to end; the exit codes of those that were left."""
        for each in self._processes.values():
            each.terminate()
        return [_ended(each) for each in self._processes.values()]


def _ended(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


@contextmanager
def fleet(log: Path) -> Iterator[Fleet]:
    """Processes that are gone when the block ends."""
    made = Fleet(log)
    try:
        yield made
    finally:
        made.end()
