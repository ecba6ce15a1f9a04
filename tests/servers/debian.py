"""Programs of Debian for tests: what is installed, or else unpacked from its package, by no root.

A package is fetched once, by Debian's own client, into a folder beside the tests that
`make clean` removes; nothing is installed.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[2] / ".debian"
FETCH_SECONDS = 50
FOLDERS = ("usr/bin", "bin")
"""Where programs are in a package; some of Debian 12 are still in the second."""


class NotThere(RuntimeError):
    """A program is not installed, and its package cannot be fetched."""


def program(name: str, *, package: str, place: Path = PLACE) -> Path:
    """Where the program is: on the PATH, or in its package, which is fetched where it is not yet.

    Raises NotThere, which says what to install.
    """
    installed = shutil.which(name)
    if installed is not None:
        return Path(installed)
    unpacked = place / package
    if not unpacked.exists():
        with _alone(place):
            if not unpacked.exists():
                _fetch(package, place)
    places = [unpacked / folder / name for folder in FOLDERS]
    return next((each for each in places if each.exists()), places[0])


@cache
def borrowed(name: str, package: str) -> Path | None:
    """The same for tests, which skip where it is not to be had; None says so, asked once."""
    try:
        return program(name, package=package)
    except NotThere:
        return None


def needed(name: str, *, package: str) -> Path:
    """The program; the test that asks is skipped where it is not to be had."""
    found = borrowed(name, package)
    if found is None:
        pytest.skip(f"{name} is not there, and cannot be fetched: install {package}")
    return found


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Keep other processes out: tests run in several."""
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(package: str, place: Path) -> None:
    """Unpack the package under its name; what is there under that name is there as a whole."""
    if shutil.which("apt-get") is None:
        raise NotThere(f"No {package} and no apt-get that has it; put its programs on the PATH")
    with tempfile.TemporaryDirectory(dir=place) as text:
        folder = Path(text)
        lists = folder / "lists"
        own = [f"--option=Dir::State::lists={lists}", f"--option=Dir::Cache={folder / 'cache'}"]
        if not _succeeds("apt-get", "download", package, at=folder):
            # The machine's lists are missing or old, and only root may renew them.
            lists.mkdir()
            _run(package, "apt-get", *own, "update", at=folder)
            _run(package, "apt-get", *own, "download", package, at=folder)
        (archive,) = folder.glob("*.deb")
        _run(package, "dpkg-deb", "--extract", archive.name, "unpacked", at=folder)
        (folder / "unpacked").rename(place / package)


def _run(package: str, *command: str, at: Path) -> None:
    ran = _ran(command, at)
    if ran.returncode != 0:
        said = ran.stderr.strip()[-500:]
        raise NotThere(f"No {package}, and {command[0]} cannot get it; install it. {said}")


def _succeeds(*command: str, at: Path) -> bool:
    return _ran(command, at).returncode == 0


def _ran(command: tuple[str, ...], at: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=at, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise NotThere(f"{command[0]} has not answered within {FETCH_SECONDS} s") from error
