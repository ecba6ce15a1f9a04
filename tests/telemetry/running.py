"""Running an application until a job has ended, whatever it ends in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from onbeat import JobFailed, JobHandle, Onbeat


async def ended(ob: Onbeat, job: JobHandle[Any]) -> None:
    """Run until the job has ended."""
    async with ob.running():
        with suppress(JobFailed):
            await job.result("20s")
