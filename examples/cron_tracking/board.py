"""What has been seen so far, row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Board:
    """Prints each step as it is seen, and says at the end what was missing."""

    steps: list[tuple[str, str, bool]] = field(default_factory=list)
    """The row of the requirement, what it promises, and whether that was seen."""

    def stage(self, what: str) -> None:
        """A part of the walk begins."""
        _line("", what)

    def note(self, row: str, promise: str, *, seen: bool) -> None:
        """A step of the walk."""
        self.steps.append((row, promise, seen))
        _line(row, promise if seen else f"MISSING: {promise}")

    @property
    def missing(self) -> list[str]:
        """What was promised and not seen."""
        return [promise for _, promise, seen in self.steps if not seen]

    def summary(self) -> str:
        """Each step with what came of it."""
        lines = [
            f"  {row:<4} {'seen' if seen else 'MISSING':<8} {promise}"
            for row, promise, seen in sorted(self.steps, key=lambda step: int(step[0][1:]))
        ]
        told = f"{len(self.steps)} steps, {len(self.missing)} missing"
        return "\n".join(["", *lines, "", told])


def _line(row: str, what: str) -> None:
    print(f"{datetime.now().astimezone():%H:%M:%S}  {row:<4} {what}", flush=True)
