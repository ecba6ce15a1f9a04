"""Starting a driver and hearing what it says; see `protocol/driving.py` for what is spoken."""

from __future__ import annotations

import json
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from benchmarks.environments import Environment, complaint
from benchmarks.processes import killed_with_parent

PATIENCE = 300.0
"""Seconds a driver may take for one order."""

END_SECONDS = 5.0

Figures = dict[str, Any]


class DriverFailed(RuntimeError):
    """A driver ended without figures, or took too long; the message is its last line."""


class Driver:
    """One running driver process."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process = process
        self._errors = errors
        self._said: queue.Queue[Figures | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            # Whatever else a peer prints is not for us.
            if line.startswith('{"event"'):
                self._said.put(json.loads(line))

        self._said.put(None)

    def hear(self, event: str, patience: float = PATIENCE) -> Figures:
        """Wait for an event and return its figures. Raises DriverFailed."""
        deadline = time.monotonic() + patience
        while True:
            try:
                said = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise DriverFailed(f"no {event!r} within {patience:.0f} s") from None
            if said is None:
                raise DriverFailed(f"ended without {event!r}: {self._last_words()}")
            if said["event"] == event:
                return said

    def end(self) -> None:
        """Close its input, which asks it to end; kill it if it does not."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        self._errors.seek(0)
        return complaint(self._errors.read())


@contextmanager
def driving(environment: Environment, script: Path, order: dict[str, Any]) -> Iterator[Driver]:
    """Run a driver with an order until the block ends."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*environment.command, str(script), json.dumps(order)],
            env=environment.variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # A worker would go on waiting for jobs when the harness is killed.
            preexec_fn=killed_with_parent(),
        )
        driver = Driver(process, errors)
        try:
            yield driver
        finally:
            driver.end()
