"""What has been seen so far: each step of the walk, as it is seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

LOOK_EVERY = 0.2


class OutOfTime(Exception):
    """A step was not seen in time; what would follow from it cannot be looked for."""


@dataclass(slots=True)
class Board:
    """Prints each step, and says at the end which were missing."""

    gives_up: float
    """By the monotonic clock: until then all must have been seen."""
    began: float = field(default_factory=time.monotonic)
    is_over: bool = False
    """Whether the time is up."""
    steps: list[tuple[str, str, bool]] = field(default_factory=list)
    """The row of the requirement, what it promises, and whether that was seen."""

    def note(self, row: str, promise: str, *, seen: bool, detail: object = "") -> None:
        """A step of the walk; `detail` is told where it was seen, too. Raises OutOfTime."""
        self.steps.append((row, promise, seen))
        told = f" ({detail})" if detail != "" else ""
        self.tell(row, f"{'' if seen else 'MISSING: '}{promise}{told}")
        if self.is_over and not seen:
            raise OutOfTime

    def tell(self, row: str, text: str) -> None:
        """A line that is no step."""
        print(f"{time.monotonic() - self.began:6.1f} s  {row:<3} {text}", flush=True)

    async def sees(self, condition: Callable[[], Awaitable[object]]) -> bool:
        """Whether it holds in time."""
        while not await condition():
            if time.monotonic() >= self.gives_up:
                self.is_over = True
                return False
            await asyncio.sleep(LOOK_EVERY)
        return True

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
        return "\n".join(["", *lines, "", f"{len(lines)} steps, {len(self.missing)} missing"])
