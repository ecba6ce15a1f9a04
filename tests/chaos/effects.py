"""What jobs did, written by the jobs themselves: a side effect that the store knows nothing of.

A file for each process, a line for each effect, each written at once at the file's end.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from onbeat import Run
from onbeat.store.column_types import to_micros


class Word(StrEnum):
    """What an effect says."""

    BEGIN = "begin"
    LINE = "line"
    END = "end"
    ASKED = "asked"
    """The job has asked for another one, whose id is told."""
    UNSURE = "unsure"
    """It has asked, and does not know whether that was stored."""
    OVER = "over"
    """The attempt has ended without success: it failed, or was cancelled."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A line of a log."""

    word: Word
    job: str
    token: int
    worker: int
    """The worker's process id, also where the job has a process of its own."""
    at: float
    """Seconds of the machine's monotonic clock, which all processes share."""
    wall: float = 0.0
    pid: int = 0
    attempt: int = 0
    occurrence: int | None = None
    """Microseconds since 1970."""
    other: str | None = None
    """The id of a job that was asked for."""
    under: tuple[str, ...] = ()
    """What it has while it runs: slots of limits, a unique key, a probe of a breaker."""


class EffectLog:
    """Where the jobs of this process write."""

    def __init__(self) -> None:
        """Write into the folder that CHAOS_FOLDER names, when there is something to write."""
        self._file: tuple[Path, int] | None = None

    def note(
        self,
        run: Run,
        word: Word,
        other: str = "-",
        *,
        worker: int | None = None,
        under: Sequence[str] = (),
    ) -> None:
        """Add a line."""
        pid = os.getpid()
        occurrence = "-" if run.occurrence_at is None else to_micros(run.occurrence_at)
        line = (
            f"{word} {run.job} {run.token} {pid if worker is None else worker} "
            f"{time.monotonic():.6f} {time.time():.6f} {pid} {run.attempt} {occurrence} {other} "
            f"{','.join(under)}\n"
        )
        os.write(self._opened(pid), line.encode())

    def _opened(self, pid: int) -> int:
        path = Path(os.environ["CHAOS_FOLDER"]) / f"effects-{pid}.log"
        if self._file is None or self._file[0] != path:
            self.close()
            self._file = (path, os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644))
        return self._file[1]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            os.close(self._file[1])
            self._file = None


def read_effects(folder: Path) -> list[Effect]:
    """All effects, in the order they happened."""
    found = [
        effect
        for path in folder.glob("effects-*.log")
        for effect in _read(path.read_text().splitlines())
    ]
    return sorted(found, key=lambda effect: effect.at)


def _read(lines: list[str]) -> Iterator[Effect]:
    for line in lines:
        word, job, token, worker, at, wall, pid, attempt, occurrence, other, under = line.split(" ")
        yield Effect(
            Word(word), job, int(token), int(worker), float(at), float(wall), int(pid),
            int(attempt), None if occurrence == "-" else int(occurrence),
            None if other == "-" else other, tuple(under.split(",")) if under else (),
        )  # fmt: skip
