"""Which jobs are meant, as the parameters of an address say: of lists, and of files of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from onbeat.api.auth import allowed, gate_of
from onbeat.api.schemas.time import AskedMoment
from onbeat.app.reading.places import places
from onbeat.domain.access import Permission, Principal
from onbeat.domain.job_cursors import Sort
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.states import State

Reader = Annotated[Principal, allowed(Permission.JOBS_READ, own=True)]
Words = Annotated[list[str] | None, Query(max_length=50)]
States = Annotated[list[State] | None, Query()]


async def _asked(
    request: Request,
    asker: Reader,
    *,
    state: States = None,
    task: Words = None,
    queue: Words = None,
    schedule: Words = None,
    tag: Words = None,
    owner: Words = None,
    region: Words = None,
    id: Annotated[str | None, Query(max_length=100)] = None,  # noqa: A002 - as it is called
    created_since: AskedMoment | None = None,
    created_until: AskedMoment | None = None,
    finished_since: AskedMoment | None = None,
    finished_until: AskedMoment | None = None,
    error: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
    arg: Annotated[Words, Query(description="A place and what is there: customer.id=42.")] = None,
    sort: Sort = Sort.NEWEST,
) -> JobFilter:
    """The filter, of who sees rows of their own alone for these. Raises Forbidden, NotFound."""
    if arg or error:
        asker.need(Permission.JOBS_ARGUMENTS)
    ob = gate_of(request).ob
    mine = asker.owner
    made_by = [(await ob.schedules.find(name, owner=mine)).id for name in schedule or ()] or None
    return JobFilter(
        state=state, task=task, queue=queue, schedule=made_by, tag=tag,
        owner=owner if asker.owner is None else [asker.owner], region=region, id=id,
        created_since=created_since, created_until=created_until,
        finished_since=finished_since, finished_until=finished_until, error=error,
        args=places(arg or ()) or None, sort=sort,
    )  # fmt: skip


Asked = Annotated[JobFilter, Depends(_asked)]
"""Which are meant, of what who asks may see."""
