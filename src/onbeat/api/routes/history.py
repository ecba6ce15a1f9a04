"""The history of runs under the names it was first asked for by: /admin/cron-jobs.

A translation and no second history: runs are jobs, and what is done by name is done to schedules.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Request, Response

from onbeat.api.answers import told
from onbeat.api.auth import allowed, gate_of
from onbeat.api.bodies import routes
from onbeat.api.keeping import AGE, kept
from onbeat.api.openapi import CLOSED, EDITS, FINDS, READS, WRITES
from onbeat.api.paging import After, Limit, place
from onbeat.api.routes import schedules
from onbeat.api.routes.job_queries import Words
from onbeat.api.routes.schedules import Name
from onbeat.api.schemas.history import (
    HistoryRun,
    RunsOut,
    ScheduleStandingOut,
    StandingsOut,
    StoryOut,
)
from onbeat.api.schemas.stats import RunStatsOut
from onbeat.api.schemas.time import AskedMoment, PauseIn, ScheduleChange
from onbeat.app.facts.history import (
    record_data,
    standing_data,
    standings,
    standings_data,
    story_data,
)
from onbeat.app.facts.stats import run_stats_data
from onbeat.domain.access import Permission, Principal
from onbeat.domain.cursors import cursor
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.keeping import STANDINGS, STATS
from onbeat.domain.records import Standing, read_sort
from onbeat.domain.stats import GroupedBy

router = routes("/admin/cron-jobs", "history", under="")
EXTRA = {"security": CLOSED}
Looker = Annotated[Principal, allowed(Permission.JOBS_READ)]
Both = Annotated[Principal, allowed(Permission.JOBS_READ, Permission.SCHEDULES_READ)]
# Everybody's schedules stand here under their whole names: owners ask /api/v1/schedules.
Trigger = Annotated[Principal, allowed(Permission.SCHEDULES_TRIGGER)]
Writer = Annotated[Principal, allowed(Permission.SCHEDULES_WRITE)]
Run = Annotated[
    str, Path(max_length=100, description="32 hexadecimal digits, with or without dashes.")
]
Text = Annotated[str | None, Query(min_length=1, max_length=500)]


def _sees(asker: Principal) -> bool:
    return asker.may(Permission.JOBS_ARGUMENTS)


@router.get("", operation_id="cron_jobs_list", response_model=RunsOut, responses=READS,
            openapi_extra=EXTRA)  # fmt: skip
async def list_runs(
    request: Request,
    asker: Looker,
    *,
    status: Annotated[list[Standing] | None, Query(max_length=5)] = None,
    job: Annotated[Words, Query(description="Names of schedules, or of tasks.")] = None,
    group: Annotated[Words, Query(description="Queues.")] = None,
    begin: Annotated[
        AskedMoment | None, Query(alias="from", description="Made since then.")
    ] = None,
    end: Annotated[AskedMoment | None, Query(alias="to", description="Made until then.")] = None,
    search: Annotated[Text, Query(description="A text in its name or, for those who may see "
                                  "arguments, in its error.")] = None,
    sort: Annotated[str, Query(max_length=20, description="createdAt or completedAt, with a "
                               "dash for the latest first.")] = "-createdAt",
    limit: Limit = 50,
    after: After = None,
    before: Annotated[
        str | None, Query(max_length=2_000, description="The `previous` of a page.")
    ] = None,
) -> Response:  # fmt: skip
    """Runs, a page at a time; of a field's values one is enough, and all fields hold."""
    page, found = await gate_of(request).ob.history.page(
        JobFilter(
            state=standings(status), name=job, queue=group, created_since=begin,
            created_until=end, search=search, search_reasons=_sees(asker),
            sort=read_sort(sort), limit=limit, after=after, before=before,
        )
    )  # fmt: skip
    data = [record_data(each, with_args=_sees(asker)) for each in found]
    told_of = {"next": page.after, "previous": page.before, "size": len(data),
               "is_cut": page.is_cut}  # fmt: skip
    return told({"data": data, "page": told_of})


@router.get("/status", operation_id="cron_jobs_status", response_model=StandingsOut,
            responses=READS, openapi_extra=EXTRA)  # fmt: skip
async def list_standings(
    request: Request, asker: Both, limit: Limit = 50, after: After = None
) -> Response:
    """How many runs stand how, and how each schedule goes; schedules by name."""
    ob, key = gate_of(request).ob, place(after)

    async def make() -> Response:
        found = await ob.history.schedules(after=key or "", limit=limit + 1)
        shown = found[:limit]
        following = cursor(shown[-1].schedule.name) if len(found) > limit else None
        return told({
            "counts": standings_data(await ob.jobs.counts()),
            "data": [standing_data(each, with_args=_sees(asker)) for each in shown],
            "page": {"next": following, "size": len(shown)},
        })  # fmt: skip

    return await kept(request, asker, STANDINGS, make)


@router.get("/stats", operation_id="cron_jobs_stats", response_model=RunStatsOut,
            responses=READS | AGE, openapi_extra=EXTRA)  # fmt: skip
async def stats(
    request: Request,
    asker: Looker,
    *,
    begin: Annotated[
        AskedMoment | None,
        Query(alias="from", description="Ended since then; for a day, unsaid."),
    ] = None,
    end: Annotated[AskedMoment | None, Query(alias="to", description="Ended until then.")] = None,
) -> Response:  # fmt: skip
    """What came of runs that ended in a window, how long they took, and how many are open now."""

    async def make() -> Response:
        found = await gate_of(request).ob.history.stats(by=GroupedBy.NAME, since=begin, until=end)
        return told(run_stats_data(found))

    return await kept(request, asker, STATS, make)


@router.get("/{run:path}", operation_id="cron_jobs_get", response_model=StoryOut, responses=FINDS,
            openapi_extra=EXTRA)  # fmt: skip
async def find(request: Request, asker: Looker, run: Run) -> Response:
    """A run with its log, its attempts, and the newest others by its name."""
    story = await gate_of(request).ob.history.find(run)
    return told(story_data(story, with_args=_sees(asker)))


@router.post("/{name:path}/trigger", operation_id="cron_jobs_trigger", status_code=201,
             response_model=HistoryRun, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def trigger(request: Request, asker: Trigger, name: Name) -> Response:
    """Run it now, beside its moments."""
    ob = gate_of(request).ob
    made = await ob.schedules.trigger(name, by=str(asker))
    record = await ob.history.record(made.id)
    return told(record_data(record, with_args=_sees(asker)), 201)


@router.post("/{name:path}/pause", operation_id="cron_jobs_pause",
             response_model=ScheduleStandingOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def pause(
    request: Request, asker: Trigger, name: Name, body: PauseIn | None = None
) -> Response:
    """Run it no more until it is resumed."""
    ob, given = gate_of(request).ob, body or PauseIn()
    await ob.schedules.pause(name, str(asker), why=given.why, until=given.until)
    return await _standing(request, asker, name)


@router.post("/{name:path}/resume", operation_id="cron_jobs_resume",
             response_model=ScheduleStandingOut, responses=WRITES, openapi_extra=EXTRA)  # fmt: skip
async def resume(request: Request, asker: Trigger, name: Name) -> Response:
    """Go on from now on."""
    await gate_of(request).ob.schedules.resume(name)
    return await _standing(request, asker, name)


@router.patch("/{name:path}", operation_id="cron_jobs_change",
              response_model=ScheduleStandingOut, responses=EDITS, openapi_extra=EXTRA)  # fmt: skip
async def change(request: Request, asker: Writer, name: Name, body: ScheduleChange) -> Response:
    """Change what is given, as `PATCH /api/v1/schedules/{name}` does."""
    await schedules.change(request, asker, name, body)
    return await _standing(request, asker, name)


async def _standing(request: Request, asker: Principal, name: str) -> Response:
    found = await gate_of(request).ob.history.schedule(name)
    return told(standing_data(found, with_args=_sees(asker)))
