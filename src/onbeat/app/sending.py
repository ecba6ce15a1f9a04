"""Sending calls to regions, before their jobs are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import NewJob
from onbeat.domain.regions import describe

if TYPE_CHECKING:
    from onbeat.app.calls import Call
    from onbeat.app.context import Context


def check_region(context: Context, region: str | None) -> None:
    """Raise InvalidInput for a region that the application does not have."""
    if region is None:
        return
    if context.router is None:
        raise InvalidInput(
            "region",
            f"{region!r} is given, and there are no regions; give Onbeat(regions=Regions(…)), or "
            "set ONBEAT_REGIONS",
        )
    context.router.regions.check(region)


def check_regions(context: Context, calls: Sequence[Call[Any]]) -> None:
    """The same for each of the calls, whose options others may have changed."""
    for call in calls:
        if call.options.region is not None:
            check_region(context, call.options.region)


def is_sent(context: Context, calls: Sequence[Call[Any]]) -> bool:
    """Whether any of the calls is to be sent to a region."""
    return context.router is not None and any(_wants(context, call) for call in calls)


def _wants(context: Context, call: Call[Any]) -> bool:
    """Whether it is wanted in a region, or in any: its task's queue is the default of regions."""
    if context.router is None or call.options.queue is not None:
        return False
    return call.region is not None or call.definition.queue == context.router.regions.default


async def send(context: Context, calls: Sequence[Call[Any]], jobs: list[NewJob]) -> list[NewJob]:
    """The jobs of the calls, each with the queue of the region that it goes to."""
    router = context.router
    if router is None or not is_sent(context, calls):
        return jobs
    look = await router.look(await context.store())
    sent = []
    for call, job in zip(calls, jobs, strict=True):
        if not _wants(context, call):
            sent.append(job)
            continue
        asked = call.region
        to = router.send(asked, look)
        sent.append(msgspec.structs.replace(job, queue=to.queue, route=describe(asked, to)))
    return sent
