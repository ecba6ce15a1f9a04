"""Building the web UI: once for each process that tests run in, one after the other."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "src" / "onbeat" / "ui" / "dist"


def make() -> None:
    """Check, test and build it, where that was not done since it was changed; skip where npm, of
    which its tools come, is out of reach.
    """
    missing, wrong = _tried()
    assert not wrong, wrong
    if missing:
        pytest.skip(missing)


@cache
def _tried() -> tuple[str, str]:
    """Build it; what is missing, and what is wrong: once, for it takes long to find out."""
    if shutil.which("npm") is None:
        return "there is no npm: install Node 20", ""
    (ROOT / ".venv").mkdir(exist_ok=True)
    with (ROOT / ".venv" / "ui.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            code, said = _made("ui/node_modules/ready", 120)
        except subprocess.TimeoutExpired:
            code, said = 1, "it has not answered"
        if code != 0:
            return f"npm has not brought the tools: {said[-500:]}", ""
        code, said = _made("src/onbeat/ui/dist/index.html", 400)
    return "", said[-5_000:] if code else ""


def _made(target: str, seconds: float) -> tuple[int, str]:
    outcome = subprocess.run(
        ["make", target],  # noqa: S607 - whichever is on the PATH
        cwd=ROOT, check=False, text=True, timeout=seconds,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return outcome.returncode, outcome.stdout
