"""Running the example as its users do, and asking what came of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 100
TOKEN = "a token of the tests"  # noqa: S105 - it opens nothing


def play(url: str, *options: str, **environment: str) -> str:
    """What the demo has printed; it must have held what it promises."""
    done = subprocess.run(
        [sys.executable, "-m", "examples.game_world", *options],
        cwd=ROOT, env=_environment(url, environment), capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refused(url: str, **environment: str) -> str:
    """What `onbeat up` says, which does not begin."""
    done = subprocess.run(
        [sys.executable, "-m", "onbeat", "up", "--app", "examples.game_world.game:ob"],
        cwd=ROOT, env=_environment(url, environment), capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stderr


def states(told: str) -> list[str]:
    """What the worlds have become."""
    return re.findall(r"state (\w+)", told)


@contextmanager
def running(log: Path, url: str, *command: str, **environment: str) -> Iterator[None]:
    """A process of the example until the block ends; then it is asked to end, and must do so."""
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT, env=_environment(url, environment), stdout=out, stderr=out,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)
    assert process.returncode == 0, log.read_text()


def _environment(url: str, more: dict[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return {**plain, "ONBEAT_DB": url, "API_SERVICE_ACCOUNT_TOKEN": TOKEN, **more}
