"""Each peer's own environment under `.bench/`, made from what is pinned beside its driver.

A folder `python` of a virtual environment, or `node_modules`; made again when the pins change.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
ROOT = CHECKOUT / ".bench"
PROTOCOL = Path(__file__).parent / "protocol"
SETUP_SECONDS = 600


class CannotSetUp(RuntimeError):
    """An environment or a server could not be made; the message says why in one line."""


class Environment:
    """How a driver's command begins, and the variables it needs."""

    def __init__(self, command: Sequence[str], variables: dict[str, str]) -> None:
        self.command = tuple(command)
        self.variables = os.environ | variables

    def told(self, variables: dict[str, str]) -> Environment:
        """The same with more variables."""
        return Environment(self.command, self.variables | variables)


def own() -> Environment:
    """The environment this runs in, where Onbeat is; PYTHONPATH may name another one to measure."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    places = os.pathsep.join([*filter(None, given), str(PROTOCOL), str(CHECKOUT)])
    return Environment([sys.executable], {"PYTHONPATH": places})


def python(folder: Path) -> Environment:
    """A virtual environment from `requirements.txt` in the folder. Raises CannotSetUp."""
    place, pins = ROOT / folder.name, folder / "requirements.txt"
    interpreter = place / "bin" / "python"
    if is_stale(place, [pins]):
        venv.create(place, with_pip=True, clear=True)
        run(interpreter, "-m", "pip", "install", "--quiet", "--requirement", pins)
        mark(place, [pins])

    return Environment([str(interpreter)], {"PYTHONPATH": str(PROTOCOL)})


def node(folder: Path) -> Environment:
    """A folder of modules from `package-lock.json` in the folder. Raises CannotSetUp."""
    place = ROOT / folder.name
    pins = [folder / "package.json", folder / "package-lock.json"]
    if shutil.which("npm") is None:
        raise CannotSetUp("npm is not installed")

    if is_stale(place, pins):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for pin in pins:
            shutil.copy(pin, place)

        # Not `npm ci`: it refuses a lock that does not name the packages of every platform. No
        # package of these peers needs its install script, and none is run.
        run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", cwd=place)
        mark(place, pins)

    modules = os.pathsep.join([str(place / "node_modules"), str(PROTOCOL)])
    return Environment(["node"], {"NODE_PATH": modules})


def pinned(folder: Path) -> str:
    """The version of the package that the folder is named after, from its pins."""
    package, requirements = folder / "package.json", folder / "requirements.txt"
    if package.exists():
        pins = json.loads(package.read_text())["dependencies"]
    else:
        pins = dict(line.split("==") for line in requirements.read_text().splitlines())
    named = {re.sub("[-_]", "", name).lower(): version for name, version in pins.items()}
    return next(named[name] for name in sorted(named) if name.startswith(folder.name))


def node_version() -> str:
    """The version of the Node that runs the drivers in JavaScript."""
    asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    return asked.stdout.strip().removeprefix("v")


def is_stale(place: Path, pins: Sequence[Path]) -> bool:
    stamp = place / "pins"
    return not stamp.exists() or stamp.read_text() != digest(pins)


def mark(place: Path, pins: Sequence[Path]) -> None:
    (place / "pins").write_text(digest(pins))


def digest(pins: Sequence[Path]) -> str:
    return hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command of an installer; what it says is only of interest when it fails."""
    try:
        subprocess.run(
            command, cwd=cwd, check=True, capture_output=True, text=True, timeout=SETUP_SECONDS
        )
    except subprocess.CalledProcessError as error:
        raise CannotSetUp(f"{Path(command[0]).name} failed: {complaint(error.stderr)}") from None
    except subprocess.TimeoutExpired:
        raise CannotSetUp(f"{command[0]} took over {SETUP_SECONDS} s") from None


def complaint(text: str) -> str:
    """The line that tells most: the first that names an error, else the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return [*errors[:1], *lines[-1:], "it said nothing"][0]
