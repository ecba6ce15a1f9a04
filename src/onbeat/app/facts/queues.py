"""Queues and what stands in each."""

from __future__ import annotations

from typing import Any

from onbeat.app.facts.moments import absolute
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
