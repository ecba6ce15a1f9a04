"""What has been seen so far: each end as it was told, and each step of the walk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

QUEUES = ("schedQueue", "jobQueue", "webhooks")


@dataclass(slots=True)
class Board:
    """Prints what happens as it happens, and says at the end what was missing."""

    ended: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The jobs of each queue whose end was told live."""
    steps: list[tuple[str, str, bool]] = field(default_factory=list)
    """The row of the requirement, what it promises, and whether that was seen."""

    def told_live(self, change: dict[str, Any]) -> None:
        """A change of one of amy's jobs, from the WebSocket."""
        if change["kind"] == "job" and change["what"] == "ended":
            queue, state = change["queue"], change["state"]
            if change["id"] not in self.ended[queue]:
                self.ended[queue].add(change["id"])
                _line(queue, change["task"], f"{state}  {change['id']}")

    def told_by_webhook(self, kind: str, data: dict[str, Any]) -> None:
        """A message whose signature is right."""
        _line("receiver", kind, f"verified   {data['job']}")

    def note(self, row: str, promise: str, *, seen: bool) -> None:
        """A step of the walk."""
        self.steps.append((row, promise, seen))
        _line(row, "", promise if seen else f"MISSING: {promise}")

    @property
    def missing(self) -> list[str]:
        """What was promised and not seen."""
        return [promise for _, promise, seen in self.steps if not seen]

    def summary(self) -> str:
        """Each step with what came of it, and how many jobs ended in each queue."""
        lines = [
            f"  {row:<4} {'seen' if seen else 'MISSING':<8} {promise}"
            for row, promise, seen in sorted(self.steps, key=lambda step: step[0])
        ]
        counts = ", ".join(f"{len(self.ended[queue])} in {queue}" for queue in QUEUES)
        told = f"{len(self.steps)} steps, {len(self.missing)} missing; ended: {counts}"
        return "\n".join(["", *lines, "", told])


def _line(where: str, what: str, came: str) -> None:
    moment = datetime.now().astimezone().strftime("%H:%M:%S")
    print(f"{moment}  {where:<11} {what:<15} {came}", flush=True)
