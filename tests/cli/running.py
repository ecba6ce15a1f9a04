"""Running the command line: within this process, or as a real one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any

import pytest

from onbeat.cli.main import run
from tests.forking import Forked, Program
from tests.waiting import wait_until


@dataclass(frozen=True)
class Result:
    """What came of a command."""

    code: int
    out: str
    err: str


class Cli:
    """Runs commands within this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Result:
        """Run one command."""
        self._capsys.readouterr()
        code = run(arguments)
        out, err = self._capsys.readouterr()
        return Result(code, out, err)

    def answer(self, *arguments: str) -> Any:
        """What the command prints with --json; it must succeed."""
        result = self(*arguments, "--json")
        assert result.code == 0, result.err
        return json.loads(result.out)

    def text(self, *arguments: str) -> str:
        """What the command prints for people; it must succeed."""
        result = self(*arguments)
        assert result.code == 0, result.err
        return result.out

    def refusal(self, *arguments: str) -> tuple[int, str]:
        """Exit code and the one line of a command that is refused."""
        result = self(*arguments)
        complaints = [line for line in result.err.splitlines() if not line.startswith("note: ")]
        assert result.out == ""
        assert len(complaints) == 1, result.err
        assert complaints[0].startswith("error: ")
        return result.code, complaints[0].removeprefix("error: ")


class Process:
    """A command as a process."""

    def __init__(self, process: Forked) -> None:
        self._process = process

    def ready(self) -> Any:
        """Wait until it runs; what it says of itself."""
        line = self._process.stdout.readline()
        assert line, self._process.communicate()[1]
        return json.loads(line)["ready"]

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is there no more."""
        return self._process.poll() is not None

    def signal(self, number: Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def signal_until_it_ends(self, number: Signals) -> None:
        """Send a signal again and again."""

        def has_ended() -> bool:
            if not self.has_ended:
                self.signal(number)
            return self.has_ended

        wait_until(has_ended)

    def until(self, text: str) -> str:
        """Wait for a line of its log that has `text` in it."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if text in line:
                return line
        raise AssertionError(f"it ended without {text!r}")

    def end(self) -> Result:
        """Wait for its end; what it wrote since."""
        out, err = self._process.communicate(timeout=60)
        return Result(self._process.wait(), out, err)


@contextmanager
def start(*arguments: str, **environment: str) -> Iterator[Process]:
    """Run a command as a process; it does not outlive the block."""
    program = Program("onbeat", arguments, Path.cwd(), {**os.environ, **environment})
    process = Forked(program, subprocess.PIPE)
    try:
        yield Process(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def spoken(value: object) -> str:
    """A command as a test's name shows it."""
    return " ".join(value) if isinstance(value, tuple) else str(value)
