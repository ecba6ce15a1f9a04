"""Crontabs, brought in as schedules of the task `shell`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.openapi import CLOSED, WRITES
from onbeat.api.schemas.crontabs import CrontabIn, CrontabOut
from onbeat.app.crontab import Import, Policies
from onbeat.app.facts.crontabs import Heading, Report, answer
from onbeat.app.onbeat import Onbeat
from onbeat.app.options import read_timeout
from onbeat.domain.access import Permission, Principal
from onbeat.domain.crontab import Crontab, read_crontab
from onbeat.domain.jobs import check_name
from onbeat.domain.naming import named
from onbeat.domain.recurrence.zones import known_zone
from onbeat.domain.schedules import parse_catch_up, parse_overlap

router = routes("/crontabs", "schedules")
Importer = Annotated[Principal, allowed(Permission.SCHEDULES_WRITE, Permission.CODE_RUN)]

AT_START = (
    "it is due once when a scheduler of that machine first looks, and then at each of its starts"
)


@router.post("/import", operation_id="crontabs_import", response_model=CrontabOut,
             responses=WRITES, openapi_extra={"security": CLOSED})  # fmt: skip
async def bring_in(request: Request, asker: Importer, body: CrontabIn) -> Response:
    """Make a schedule of each line of a crontab; sent again, those are brought up to date.

    All or nothing: a line that is wrong is named, and nothing is made unless `skip_wrong` is asked
    for. `dry_run` tells all of it first.
    """
    zone = known_zone(body.tz)
    read = read_crontab(body.text.encode(), has_user=body.user_field, zone=zone)
    with named(crontab="text"):
        done = await _done(gate_of(request).ob, body, read, str(asker))
    heading = Heading(
        file=body.name, zone=zone, has_user=body.user_field, dry_run=body.dry_run,
        prune=body.prune, paused=body.paused,
    )  # fmt: skip
    starts = {} if body.host is None else {
        each.entry.line: (AT_START,) for each in done.brought if each.entry.recurrence is None
    }  # fmt: skip
    report = Report(heading=heading, crontab=read, done=done, told=starts)
    data = answer(report, datetime.now(UTC))
    return told({"name": data.pop("file"), **data})


async def _done(ob: Onbeat, body: CrontabIn, read: Crontab, by: str) -> Import:
    policies = Policies(
        catch_up=parse_catch_up(body.catch_up),
        overlap=parse_overlap(body.overlap),
        queue=check_name("queue", body.queue),
        priority=body.priority,
        timeout=read_timeout(body.timeout),
    )
    if body.dry_run:
        return await ob.crontabs.compare(
            body.name, read, policies, prune=body.prune, host=body.host
        )
    return await ob.crontabs.bring_in(
        body.name, read, policies, paused_by=by if body.paused else None, prune=body.prune,
        whole=not body.skip_wrong, host=body.host,
    )  # fmt: skip
