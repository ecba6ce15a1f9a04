"""What the doctor finds, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a finding means."""

    GOOD = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    message: str
    exit_code: int = 1
    remedies: tuple[str, ...] = ()
    """Statements that put it right, for people to send."""
    repairs: tuple[str, ...] = ()
    """Those that `--fix` sends itself: they change no data, and are soon over."""
