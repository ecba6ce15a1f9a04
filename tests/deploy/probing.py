"""Asking a live process what those who run it will ask."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.cli.running import start
from tests.waiting import wait_until

HERE = {"ONBEAT_DB": "sqlite:///here.db"}
PROGRAMS = {"onbeat": [sys.executable, "-m", "onbeat"], "python": [sys.executable]}


def answer(port: int | str, path: str) -> int | None:
    """The status that a probe of this path is given; None where nobody listens."""
    with suppress(URLError, ConnectionError):
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as told:
                return int(told.status)
        except HTTPError as refused:
            return refused.code
    return None


def listens(port: int | str, *paths: str) -> bool:
    """Whether each path is soon answered with 200."""
    wait_until(lambda: all(answer(port, path) == 200 for path in paths), seconds=60)
    return True


def exit_code(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """What a check that is a command ends with, beside the process."""
    program, *arguments = command
    ran = subprocess.run(
        [*PROGRAMS[program], *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=60,
    )
    return ran.returncode


@contextmanager
def running(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A process with this command line and environment, but for its database: a file here.

    Gives the environment it has. Told to end, it ends with 0.
    """
    whole = {**environment, **HERE}
    with start(*arguments, **whole) as process:
        process.until("service.running")
        yield whole
        process.signal(signal.SIGTERM)
        assert process.end().code == 0
