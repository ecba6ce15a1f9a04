"""Failures that are the same: by the kind of error and the place in the user's own code. Pure.

What an error says differs from job to job; where it was raised does not. An error without a place
of the user's own is known by its kind and what it says, with all that differs taken out of it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from onbeat.domain.attempts import Failure
from onbeat.domain.jobs import JobId

FAILED_OUTCOMES: Final = ("failed", "timed out", "lost")
"""What of an attempt is a failure; the index of failures is of these (store/schema/places.py)."""

LONGEST_MESSAGE: Final = 200
LONGEST_TEXT: Final = 500
"""Characters of an error that are told of an example."""

MOST_GROUPS: Final = 50
"""Groups that are told, those with the most failures."""

MOST_TASKS: Final = 10
"""Tasks that are told of a group, those with the most failures."""

_HEADER = re.compile(
    r"^(?:  \+ Exception Group )?Traceback \(most recent call last\):[^\S\n]*$", re.M
)
_FRAMES = {
    margin: re.compile(
        rf'^{re.escape(margin)} {{2}}File "(?P<file>[^"\n]+)", line (?P<line>\d+), '
        r"in (?P<function>.+)$",
        re.M,
    )
    for margin in ("", "  | ")
}
_ENDS = {margin: re.compile(rf"^(?!{re.escape(margin)}  )", re.M) for margin in _FRAMES}
"""Frames, and the first line that is none, by what stands before them in a group."""

_OTHERS = re.compile(
    r"[/\\](?:site|dist)-packages[/\\]"  # what was installed
    r"|[/\\]lib(?:64)?[/\\]python\d|\\Lib\\"  # Python's own, as POSIX and as Windows have it
    r"|[/\\]onbeat[/\\](?:api|app|cli|domain|integrations|outbound|runtime|store|testing)[/\\]"
    r"|^<"  # <frozen …>, <string>
)
"""Files that are nobody's own: of packages, of Python and of Onbeat."""

_DIFFERING = (
    (re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`|“[^”\n]*”|«[^»\n]*»"), "'…'"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.I), "<uuid>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.I), "<hex>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.I), "<hex>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<n>"),
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells failures that are the same from others."""

    type: str
    """The exception's name, or `timed out`, `lost`."""
    place: str | None
    """File and function of the innermost frame of the user's own code; None without one."""
    message: str | None
    """Where there is no place: what the error says, without what differs."""

    @property
    def id(self) -> str:
        """16 hexadecimal digits, the same on every machine and in every version."""
        said = "\0".join([self.type, self.place or "", self.message or ""])
        return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def fingerprint(error: Failure) -> Fingerprint:
    """The fingerprint of an error that is kept."""
    place = place_of(error.traceback)
    return Fingerprint(error.type, place, None if place else normalised(error.message))


def place_of(traceback: str) -> str | None:
    """File and function of the innermost own frame of the error that was raised last.

    The errors that caused it stand before it, those of a group within it: neither counts.
    """
    frame = _own(_frames(traceback))
    return None if frame is None else f"{_short(frame['file'])} in {frame['function']}"


def raised_at(traceback: str) -> str | None:
    """File, line and function to look at first: the same frame, or where none is the user's own,
    the innermost of all.
    """
    frames = _frames(traceback)
    frame = _own(frames) or (frames[-1] if frames else None)
    return None if frame is None else f"{frame['file']}:{frame['line']} in {frame['function']}"


def _frames(traceback: str) -> list[re.Match[str]]:
    """Of the error that was raised last, from the outermost in."""
    headers = list(_HEADER.finditer(traceback))
    margin = "  | " if headers and headers[-1][0].startswith("  +") else ""
    # The beginning of a long one is cut off, and its header with it.
    begin = headers[-1].end() + 1 if headers else 0
    end = _ENDS[margin].search(traceback, begin) if headers else None
    return list(_FRAMES[margin].finditer(traceback, begin, end.start() if end else len(traceback)))


def _own(frames: Sequence[re.Match[str]]) -> re.Match[str] | None:
    """The innermost that is the user's own."""
    return next((each for each in reversed(frames) if not _OTHERS.search(each["file"])), None)


def _short(file: str) -> str:
    """The file and its folder: what is above them differs from host to host."""
    return "/".join(re.split(r"[/\\]", file)[-2:])


def normalised(message: str) -> str:
    """The first line without quoted texts, ids and numbers, which differ from job to job."""
    line = message.strip().partition("\n")[0]
    for pattern, stands in _DIFFERING:
        line = pattern.sub(stands, line)
    return line[:LONGEST_MESSAGE]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFailure:
    """An attempt that failed."""

    job: JobId
    task: str
    at: datetime
    outcome: str
    reason: str | None
    error: Failure | None
    is_final: bool
    """Whether the job failed for good with it: a dead letter."""

    @property
    def fingerprint(self) -> Fingerprint:
        """Its fingerprint; an attempt that timed out or was lost has no error."""
        if self.error is not None:
            return fingerprint(self.error)
        return Fingerprint(self.outcome, None, normalised(self.reason or ""))

    @property
    def text(self) -> str:
        """What it says."""
        if self.error is None:
            return (self.reason or self.outcome)[:LONGEST_TEXT]
        return f"{self.error.type}: {self.error.message}"[:LONGEST_TEXT]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failures that are the same."""

    fingerprint: Fingerprint
    number: int
    final: int
    """How many of them were the end of their job."""
    tasks: Mapping[str, int]
    """How many of which task, that with the most first."""
    first_at: datetime
    last_at: datetime
    example: JobId
    """The job of the last one."""
    text: str
    """What that one says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """What failed in a window, by fingerprint, and how far was looked."""

    since: datetime
    until: datetime
    looked_at: int
    oldest_at: datetime | None
    is_exact: bool
    """Whether these are all of the window; else there are older ones that nobody looked at."""
    groups: Sequence[FailureGroup]
    """That with the most failures first."""
    untold: int
    """How many more groups there are."""


@dataclass(slots=True)
class _Growing:
    last: SeenFailure
    first_at: datetime
    number: int = 0
    final: int = 0
    tasks: Counter[str] = field(default_factory=Counter)


class Grouping:
    """Failures as they are read, the newest first; what is kept of each group is one of them."""

    def __init__(self) -> None:
        """None yet."""
        self._groups: dict[Fingerprint, _Growing] = {}
        self.looked_at = 0
        self.oldest_at: datetime | None = None

    def add(self, failures: Iterable[SeenFailure]) -> None:
        """Take these too."""
        for each in failures:
            fingerprint = each.fingerprint
            known = self._groups.get(fingerprint)
            if known is None:
                known = self._groups[fingerprint] = _Growing(each, each.at)
            known.number += 1
            known.final += each.is_final
            known.tasks[each.task] += 1
            known.first_at = self.oldest_at = each.at
            self.looked_at += 1

    def groups(self) -> list[FailureGroup]:
        """Those with the most failures first."""
        found = [
            FailureGroup(
                fingerprint=fingerprint, number=each.number, final=each.final,
                tasks=dict(each.tasks.most_common(MOST_TASKS)), first_at=each.first_at,
                last_at=each.last.at, example=each.last.job, text=each.last.text,
            )
            for fingerprint, each in self._groups.items()
        ]  # fmt: skip
        return sorted(found, key=lambda each: (-each.number, each.fingerprint.id))
