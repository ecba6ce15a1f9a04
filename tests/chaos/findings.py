"""What a judge finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that was not kept, and to whom."""

    promise: str
    subject: str
    detail: str = ""
