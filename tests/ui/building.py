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
READY = BUILT / "index.html"


@cache
def make() -> None:
    """Check, test and build it, where that was not done since it was changed; skip where npm, of
    which its tools come, is out of reach.
    """
    if shutil.which("npm") is None:
        pytest.skip("there is no npm: install Node 20")
    (ROOT / ".venv").mkdir(exist_ok=True)
    with (ROOT / ".venv" / "ui.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = _made("ui/node_modules/ready")
        if code != 0:
            pytest.skip(f"npm has not brought the tools: {said[-500:]}")
        code, said = _made("src/onbeat/ui/dist/index.html")
        assert code == 0, said[-5_000:]


def _made(target: str) -> tuple[int, str]:
    outcome = subprocess.run(
        ["make", target],  # noqa: S607 - whichever is on the PATH
        cwd=ROOT, check=False, text=True, timeout=400,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return outcome.returncode, outcome.stdout
