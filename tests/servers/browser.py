"""A real browser for tests: the Chromium that is installed, or else Debian's."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")


class NoBrowser(RuntimeError):
    """There is none, and none could be had."""


@cache
def chromium() -> str | NoBrowser:
    """Where Chromium is; installed where it is missing and we may, which takes a minute.

    Or why there is none: asked once, for it takes long to find out that a network is not there.
    """
    # One of the processes that tests run in installs it, and the others wait.
    with (Path(tempfile.gettempdir()) / "onbeat-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _found() or _installed()
        except (NoBrowser, subprocess.TimeoutExpired) as error:
            return NoBrowser(str(error))


def _found() -> str | None:
    return next((place for name in NAMES if (place := shutil.which(name))), None)


def _installed() -> str:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise NoBrowser("there is no Chromium: install it, in Debian as `apt-get install chromium`")
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
        outcome = subprocess.run(
            [apt, *arguments], check=False, capture_output=True, text=True, timeout=120,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )  # fmt: skip
        if outcome.returncode != 0:
            raise NoBrowser(f"apt-get {arguments[0]} failed: {outcome.stderr[-500:]}")
    found = _found()
    if found is None:
        raise NoBrowser("apt-get installed no Chromium")
    return found
