"""Queues and what stands in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onbeat.app.facts.moments import absolute
from onbeat.domain.loads import Load
from onbeat.domain.queues import COUNT_LIMIT, Queue


def queue_data(queue: Queue) -> dict[str, Any]:
    """A queue for programs; counts at `count_limit` mean that many or more."""
    return {
        "name": queue.name,
        "pending": queue.pending,
        "running": queue.running,
        "delayed": queue.delayed,
        "count_limit": COUNT_LIMIT,
        "oldest_at": absolute(queue.oldest_at),
        "paused_at": absolute(queue.paused_at),
        "paused_by": queue.paused_by,
    }


def load_data(load: Load, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """How loaded a queue is, for programs, and what may not be meant by its name; seconds where it
    says so.
    """
    return {
        "queue": load.queue.name,
        "pending": load.queue.pending,
        "running": load.queue.running,
        "paused": load.queue.paused_at is not None,
        "workers": load.workers,
        "slots": load.slots,
        "mean_s": None if load.mean is None else load.mean.total_seconds(),
        "within_s": load.within.total_seconds(),
        "needed_slots": load.needed_slots,
        "needed_workers": load.needed_workers,
        "warnings": list(warnings),
    }
