"""What has been seen so far: each end as it was told, and each step of the walk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from examples.showing.board import Board

QUEUES = ("schedQueue", "jobQueue", "webhooks")


@dataclass(slots=True)
class Ends(Board):
    """A board that also knows whose end was told."""

    ended: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The jobs of each queue whose end was told live."""

    def told_live(self, change: dict[str, Any]) -> None:
        """A change of one of amy's jobs, from the WebSocket."""
        if change["kind"] == "job" and change["what"] == "ended":
            queue, state = change["queue"], change["state"]
            if change["id"] not in self.ended[queue]:
                self.ended[queue].add(change["id"])
                self.tell(queue, f"{change['task']:<15} {state}  {change['id']}")

    def told_by_webhook(self, kind: str, data: dict[str, Any]) -> None:
        """A message whose signature is right."""
        self.tell("receiver", f"{kind:<15} verified   {data['job']}")

    @property
    def counts(self) -> str:
        """How many jobs ended in each queue."""
        return ", ".join(f"{len(self.ended[queue])} in {queue}" for queue in QUEUES)
