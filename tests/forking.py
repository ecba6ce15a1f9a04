"""Programs that need not read Onbeat's code first.

A test's process lives for seconds, of which reading the code takes one or two. One process per run
reads it and does nothing else; each program is forked from that one, and from there on goes the way
of `python -m`, with an environment, a folder and an output of its own. What Python itself is told
as it starts, by `PYTHON…` variables, it does not hear, and what is registered with `atexit` is not
done: for these use `fresh`.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

READ = [
    "tests.forking",
    "onbeat.cli.commands.processes",
    "onbeat.api",
    "asyncpg",
]
"""What the programs would read."""

forks = multiprocessing.get_context("forkserver")
forks.set_forkserver_preload(READ)


@dataclass(frozen=True)
class Program:
    """What is to run, and where."""

    module: str
    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    is_strict: bool = False
    """Whether a warning is an error, but of what is read by all."""


class Forked:
    """A program that runs, as `subprocess.Popen` would have it in text mode."""

    def __init__(self, program: Program, errors: IO[bytes] | int | None = None) -> None:
        """Start it. Its errors go to a file, to a pipe (`subprocess.PIPE`), or nowhere."""
        self.stdout, out = _pipe()
        self.stderr: IO[str] | None = None
        err = None
        if errors == subprocess.PIPE:
            self.stderr, err = _pipe()
        elif errors is not None and not isinstance(errors, int):
            err = Connection(os.dup(errors.fileno()), readable=False)
        self._process: ForkServerProcess = forks.Process(target=_go, args=(program, out, err))
        self._process.start()
        for each in (out, err):
            if each is not None:
                each.close()

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """What it ended with; minus the signal that ended it; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(repr(self), timeout or 0.0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read what it writes until its end. Raises subprocess.TimeoutExpired."""
        with ThreadPoolExecutor(2) as pool:
            told = [pool.submit(_read, each) for each in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()  # who reads goes on until then
                raise
            out, err = (each.result() for each in told)
        return out, err


def fresh(program: Program, errors: IO[bytes]) -> subprocess.Popen[str]:
    """Start it from nothing, for one whose code is another than ours."""
    strict = ["-W", "error"] if program.is_strict else []
    return subprocess.Popen(
        [sys.executable, *strict, "-m", program.module, *program.arguments], text=True,
        cwd=program.folder, env=dict(program.environment), stdout=subprocess.PIPE, stderr=errors,
    )  # fmt: skip


Running = Forked | subprocess.Popen[str]


def _pipe() -> tuple[IO[str], Connection]:
    """An end to read text from, and the other."""
    ours, its = forks.Pipe(duplex=False)
    stream = os.fdopen(os.dup(ours.fileno()), encoding="utf-8")
    ours.close()
    return stream, its


def _read(stream: IO[str] | None) -> str:
    if stream is None or stream.closed:
        return ""
    with stream:
        return stream.read()


def _go(program: Program, output: Connection, errors: Connection | None) -> None:
    """Be what `python -m` would be there."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(output.fileno(), 1)
    os.dup2(nowhere if errors is None else errors.fileno(), 2)
    for each in (output, errors):
        if each is not None:
            each.close()
    os.close(nowhere)
    os.environ.clear()
    os.environ.update(program.environment)
    os.chdir(program.folder)
    sys.path.insert(0, str(program.folder))
    sys.argv = [program.module, *program.arguments]
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (lives as long)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    if program.is_strict:
        warnings.simplefilter("error")
    time.tzset()
    runpy.run_module(program.module, run_name="__main__", alter_sys=True)
