"""Running an application until a job has ended, whatever it ends in."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from onbeat import JobFailed, JobHandle, Onbeat, every
from onbeat.domain.recurrence import Recurrence


async def ended(ob: Onbeat, job: JobHandle[Any]) -> None:
    """Run until the job has ended."""
    async with ob.running():
        with suppress(JobFailed):
            await job.result("20s")


def hourly() -> tuple[Recurrence, datetime]:
    """Every hour, with no moment within a test, and its last moment."""
    last = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    return every("1h", anchor=last), last
