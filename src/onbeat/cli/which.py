"""The options that say which jobs are meant, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from onbeat.app.onbeat import Onbeat
from onbeat.app.reading.places import places
from onbeat.cli import inputs
from onbeat.domain.job_cursors import Sort
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """What was given of them. A command with a parameter of this type takes them all."""

    state: Annotated[
        list[State] | None, typer.Option(metavar="STATE", help=f"Only those: {', '.join(State)}.")
    ] = None
    task: Annotated[
        list[str] | None, typer.Option(metavar="TASK", help="Only jobs of this task.")
    ] = None
    queue: Annotated[
        list[str] | None, typer.Option(metavar="QUEUE", help="Only jobs in this queue.")
    ] = None
    schedule: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only jobs this schedule made.")
    ] = None
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Only jobs with this tag.")
    ] = None
    owner: Annotated[
        list[str] | None, typer.Option(metavar="OWNER", help="Only jobs of this owner.")
    ] = None
    region: Annotated[
        list[str] | None, typer.Option(metavar="REGION", help="Only jobs sent to this region.")
    ] = None
    identity: Annotated[
        str | None, typer.Option("--id", metavar="DIGITS", help="Only ids that begin so.")
    ] = None
    since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what was asked for then or later.")
    ] = None
    until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what was asked for then or before.")
    ] = None
    ended_since: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what ended then or later.")
    ] = None
    ended_until: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Only what ended then or before.")
    ] = None
    error: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only those whose reason holds this.")
    ] = None
    arg: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH=JSON", help="Only with this at a place of their arguments."),
    ] = None
    sort: Annotated[Sort, typer.Option(metavar="ORDER", help=f"One of {', '.join(Sort)}.")] = (
        Sort.NEWEST
    )

    async def filter(self, ob: Onbeat) -> JobFilter:
        """The filter that they say. Raises InvalidInput, NotFound."""
        made_by = [(await ob.schedules.find(name)).id for name in self.schedule or ()]
        return JobFilter(
            state=self.state, task=self.task, queue=self.queue, schedule=made_by, tag=self.tag,
            owner=self.owner, region=self.region, id=self.identity,
            created_since=inputs.moment("since", self.since),
            created_until=inputs.moment("until", self.until),
            finished_since=inputs.moment("ended_since", self.ended_since),
            finished_until=inputs.moment("ended_until", self.ended_until), error=self.error,
            args=places(self.arg or ()), sort=self.sort,
        )  # fmt: skip
