"""Jobs that somebody looks at: how far they have come, and what they write."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from onbeat.api.live.telling import of_line, of_progress
from onbeat.domain.live import News
from onbeat.store import changes
from onbeat.store.changes import Line, Places, Progress


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of one of them."""

    owner: str | None = None
    lines: Places = field(default_factory=dict)
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a look saw of them."""

    jobs: Mapping[str, Watched]
    news: tuple[News, ...]


def watch(
    connection: Connection, now: datetime, before: Mapping[str, Watched], wanted: Collection[str]
) -> Watch:
    """Look at the jobs that are `wanted`; what is there of new ones is where they begin."""
    if not wanted:
        return Watch({}, ())
    known = {job: before[job] for job in wanted if job in before}
    lines = changes.lines_beyond(connection, now, {job: at.lines for job, at in known.items()})
    progress = changes.progress_of(connection, now, wanted)
    news = [
        of_progress(job, progress[job], at.owner, now)
        for job, at in known.items()
        if job in progress and progress[job].is_said and progress[job] != at.progress
    ]
    news += told_lines(connection, now, lines, known)
    known |= _new(connection, now, [job for job in wanted if job not in before])
    return Watch(_after(known, lines, progress), tuple(news))


def told_lines(
    connection: Connection, now: datetime, lines: list[Line], known: Mapping[str, Watched]
) -> list[News]:
    """What is told of lines, with the number of the attempt of each."""
    if not lines:
        return []
    progress = changes.progress_of(connection, now, {line.job for line in lines})
    numbers = {(job, at.token): at.attempt for job, at in progress.items()}
    over = {line.job for line in lines if (line.job, line.token) not in numbers}
    if over:
        numbers |= changes.attempts_of(connection, now, over)
    return [
        of_line(line, numbers.get((line.job, line.token)), known[line.job].owner)
        for line in lines
    ]  # fmt: skip


def _new(connection: Connection, now: datetime, jobs: list[str]) -> dict[str, Watched]:
    if not jobs:
        return {}
    facts = changes.facts(connection, now, jobs, (), ())
    places = changes.last_lines(connection, now, jobs)
    return {
        job: Watched(facts.jobs[job].owner if job in facts.jobs else None, places[job])
        for job in jobs
    }


def _after(
    known: Mapping[str, Watched], lines: list[Line], progress: Mapping[str, Progress]
) -> dict[str, Watched]:
    beyond: dict[str, dict[int, int]] = {}
    for line in lines:
        beyond.setdefault(line.job, {})[line.token] = line.number
    return {
        job: replace(
            at, lines={**at.lines, **beyond.get(job, {})}, progress=progress.get(job, at.progress)
        )
        for job, at in known.items()
    }
