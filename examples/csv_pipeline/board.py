"""What has been seen so far, row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Board:
    """Prints what is seen as it is seen, and says at the end what was missing."""

    steps: list[tuple[str, str, bool]] = field(default_factory=list)
    """The row of the requirement, what it promises, and whether that was seen."""

    def note(self, row: str, promise: str, *, seen: bool) -> None:
        """A step."""
        self.steps.append((row, promise, seen))
        self.tell(row, promise if seen else f"MISSING: {promise}")

    def tell(self, where: str, what: str) -> None:
        """A line."""
        print(f"{datetime.now().astimezone():%H:%M:%S}  {where:<6} {what}", flush=True)

    @property
    def missing(self) -> list[str]:
        """What was promised and not seen."""
        return [promise for _, promise, seen in self.steps if not seen]

    def summary(self) -> str:
        """Each step with what came of it."""
        lines = [
            f"  {row:<4} {'seen' if seen else 'MISSING':<8} {promise}"
            for row, promise, seen in sorted(self.steps, key=lambda step: step[0])
        ]
        return "\n".join(["", *lines, "", f"{len(self.steps)} steps, {len(self.missing)} missing"])
