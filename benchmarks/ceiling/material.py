"""What the ceilings of both engines are fed with: ids, batches, the next minute of a cron line."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from cronsim import CronSim

CRON = "* * * * *"


def job_ids(count: int) -> list[str]:
    """Make ids that sort by time, in the form of a UUIDv7 and in one go; at most 2**20."""
    moment, tail = time.time_ns() // 1_000_000, secrets.token_hex(6)
    return [f"{moment:012x}7{n >> 8:03x}8{n & 0xFF:03x}{tail}" for n in range(count)]


def batches(count: int, size: int) -> Iterator[range]:
    """Cut `count` numbers into ranges of at most `size`."""
    return (range(start, min(start + size, count)) for start in range(0, count, size))


@lru_cache(200_000)
def next_moment(cron: str, zone: str, after: datetime) -> datetime:
    """Compute the next moment of a cron line once for all schedules that share it."""
    return next(CronSim(cron, after))
