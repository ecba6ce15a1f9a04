"""The release before: this repository as it was before its newest migration came."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from onbeat.store.schema_state import REVISIONS

ROOT = Path(__file__).parents[2]
MIGRATIONS = "src/onbeat/store/migrations/versions"


class NoHistory(RuntimeError):
    """There is no older release to be had here."""


@dataclass(frozen=True)
class Release:
    """Sources that a process can be started from."""

    source: Path

    @property
    def env(self) -> dict[str, str]:
        """What a process is told so that it is of this release."""
        return {"PYTHONPATH": f"{self.source}:{ROOT}"}


NEW = Release(ROOT / "src")


def back(schemas: int, folder: Path) -> Release:
    """The release whose schema is so many before ours, unpacked there. Raises NoHistory."""
    revision = REVISIONS[-schemas]
    (migration,) = (ROOT / MIGRATIONS).glob(f"{revision}_*.py")
    found = _git("log", "-1", "--diff-filter=A", "--format=%H", "--", str(migration)).decode()
    # One that is not committed yet came after everything that is.
    commit = f"{found.strip()}^" if found.strip() else "HEAD"
    packed = _git("archive", "--format=zip", commit, "src/onbeat")
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        archive.extractall(folder)
    return Release(folder / "src")


def _git(*words: str) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise NoHistory("git is not installed")
    done = subprocess.run([program, *words], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise NoHistory(f"git {words[0]}: {done.stderr.decode().strip()}")
    return done.stdout
