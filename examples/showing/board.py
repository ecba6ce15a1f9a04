"""What a demo has promised to show, and what has been seen of it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

LOOK_EVERY = 0.2
LONGEST_ROW = 11


class OutOfTime(Exception):
    """A step was not seen in time; what would follow from it cannot be looked for."""


@dataclass(slots=True)
class Board:
    """Prints each step as it is seen, and says at the end what was missing."""

    gives_up: float = math.inf
    """By the monotonic clock: until then all must have been seen."""
    is_stopping: bool = False
    """Whether the first step that is not seen in time is the last."""
    steps: list[tuple[str, str, bool]] = field(default_factory=list)
    """The row of the requirement, what it promises, and whether that was seen."""

    def tell(self, row: str, what: str) -> None:
        """A line that is no step."""
        moment = datetime.now().astimezone()
        print(f"{moment:%H:%M:%S}  {row:<{LONGEST_ROW}} {what}", flush=True)

    def note(self, row: str, promise: str, *, seen: bool, detail: object = "") -> None:
        """A step; `detail` is told where it was seen, too. Raises OutOfTime, if it is stopping."""
        self.steps.append((row, promise, seen))
        told = f" ({detail})" if detail != "" else ""
        self.tell(row, f"{'' if seen else 'MISSING: '}{promise}{told}")
        if self.is_stopping and not seen and time.monotonic() >= self.gives_up:
            raise OutOfTime

    async def sees(self, condition: Callable[[], Awaitable[object]]) -> bool:
        """Whether it holds in time."""
        while not await condition():
            if time.monotonic() >= self.gives_up:
                return False
            await asyncio.sleep(LOOK_EVERY)
        return True

    async def expect(
        self, row: str, promise: str, condition: Callable[[], Awaitable[object]]
    ) -> None:
        """A step that is seen once it holds."""
        self.note(row, promise, seen=await self.sees(condition))

    @property
    def missing(self) -> list[str]:
        """What was promised and not seen."""
        return [promise for _, promise, seen in self.steps if not seen]

    def summary(self, more: str = "") -> str:
        """Each step with what came of it, by row, and their number; `more` stands behind that."""
        lines = [
            f"  {row:<4} {'seen' if seen else 'MISSING':<8} {promise}"
            for row, promise, seen in sorted(self.steps, key=lambda step: int(step[0][1:]))
        ]
        told = f"{len(lines)} steps, {len(self.missing)} missing{more}"
        return "\n".join(["", *lines, "", told])
