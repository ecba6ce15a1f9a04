"""Queues and what stands in each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from onbeat.cli.output.colours import QUIET, WARNING
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.output.words import lasting, since
from onbeat.domain.loads import Load
from onbeat.domain.queues import COUNT_LIMIT, Queue

COLUMNS = (
    Column("QUEUE", bends=True),
    Column("PENDING", right=True),
    Column("RUNNING", right=True),
    Column("DELAYED", right=True),
    Column("OLDEST"),
    Column("", bends=True),
)


def queue_rows(queues: Sequence[Queue], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [
            queue.name,
            _count(queue.pending),
            _count(queue.running),
            _count(queue.delayed),
            since(queue.oldest_at, now),
            _standing(queue, now),
        ]
        for queue in queues
    ]


def _count(count: int) -> Text:
    if count >= COUNT_LIMIT:
        return Text(f"≥{COUNT_LIMIT:,}", WARNING)
    return Text(f"{count:,}", "" if count else QUIET)


def _standing(queue: Queue, now: datetime) -> Text:
    if queue.paused_at is None:
        return Text("")
    return Text(f"paused {since(queue.paused_at, now)} by {queue.paused_by}", WARNING)


LOAD_COLUMNS = (
    Column("QUEUE", bends=True),
    Column("PENDING", right=True),
    Column("RUNNING", right=True),
    Column("A JOB TAKES", right=True),
    Column("WORKERS", right=True),
    Column("SLOTS", right=True),
    Column("NEEDED WORKERS", right=True),
    Column("NEEDED SLOTS", right=True),
)


def load_rows(loads: Sequence[Load]) -> list[list[Cell]]:
    """The rows of what autoscalers ask."""
    return [
        [
            each.queue.name,
            _count(each.queue.pending),
            _count(each.queue.running),
            Text("not known", QUIET) if each.mean is None else lasting(each.mean),
            f"{each.workers:,}",
            f"{each.slots:,}",
            Text(f"{each.needed_workers:,}", WARNING if each.needed_slots > each.slots else ""),
            f"{each.needed_slots:,}",
        ]
        for each in loads
    ]
