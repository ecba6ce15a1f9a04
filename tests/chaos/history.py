"""All that is known of a run: what was asked for, what jobs did, what is on record, what we did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, select

from onbeat.store.column_types import to_micros
from onbeat.store.schema import attempts, finished, jobs, occurrences
from tests.chaos.effects import Effect, Word


class Answer(StrEnum):
    """What whoever asked for a job was told."""

    ACCEPTED = "accepted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Booked:
    """A job in the book."""

    id: str
    task: str
    schedule: str | None = None
    occurrence: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """A job's end on record."""

    job: str
    outcome: str
    reason: str | None = None


UNBEGUN = "its worker died before it began"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt on record."""

    job: str
    token: int
    outcome: str
    result: object = None
    finished_at: float = 0.0
    """Seconds since 1970."""
    has_begun: bool = True
    """Whether it is not on record that it was lost before it began."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A row of the ledger; microseconds since 1970."""

    schedule: str
    due: int
    through: int
    outcome: str
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A worker that stood still; seconds of the monotonic clock."""

    worker: int
    begin: float
    end: float


@dataclass
class History:
    """A run, after all is over."""

    asked: dict[str, Answer] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)
    booked: list[Booked] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    ledger: list[Moment] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)
    """Microseconds between two moments of a schedule; of one that rests after its job, 0."""
    deaths: dict[int, float] = field(default_factory=dict)
    """When a process was seen to be dead."""
    pauses: list[Pause] = field(default_factory=list)
    heard: list[tuple[int, float]] = field(default_factory=list)
    """When which worker heard that its session was lost."""
    left: list[str] = field(default_factory=list)
    """Processes of ours that were alive when all was over."""
    breaches: list[str] = field(default_factory=list)
    """What verifying the store found."""
    exits: list[str] = field(default_factory=list)
    """Processes that were asked to end and did not end well."""


def read_answers(path: Path, effects: list[Effect]) -> dict[str, Answer]:
    """What was asked for, by the client and by jobs."""
    answers: dict[str, Answer] = {}
    for line in path.read_text().splitlines():
        word, job, _ = line.split(" ")
        _hear(answers, job, is_accepted=word == "ok")
    for effect in effects:
        if effect.other is not None:
            _hear(answers, effect.other, is_accepted=effect.word is Word.ASKED)
    return answers


def _hear(answers: dict[str, Answer], job: str, *, is_accepted: bool) -> None:
    if is_accepted:
        answers[job] = Answer.ACCEPTED
    else:
        answers.setdefault(job, Answer.UNKNOWN)


def read_heard(events: Path) -> list[tuple[int, float]]:
    """Which workers heard when that their session was lost."""
    lines = events.read_text().splitlines() if events.exists() else []
    told = [line.split(" ") for line in lines]
    return [(int(pid), float(at)) for name, pid, at, *_ in told if name == "SessionLost"]


def read_record(connection: Connection, history: History) -> None:
    """Fill in what the store has on record."""
    history.booked = list(_booked(connection))
    rows = connection.execute(select(finished.c.job, finished.c.outcome, finished.c.reason))
    history.ends = [End(*row) for row in rows]
    history.attempts = [
        Attempt(
            row.job, row.token, row.outcome, row.result and json.loads(row.result),
            row.finished_at.timestamp(), row.reason != UNBEGUN,
        )
        for row in connection.execute(select(attempts))
    ]  # fmt: skip
    history.ledger = [
        Moment(
            row.schedule, to_micros(row.due_at), to_micros(row.through_at or row.due_at),
            row.outcome, row.job,
        )
        for row in connection.execute(select(occurrences))
    ]  # fmt: skip


def _booked(connection: Connection) -> Iterator[Booked]:
    query = select(jobs.c.id, jobs.c.task, jobs.c.schedule, jobs.c.occurrence_at)
    for row in connection.execute(query):
        moment = None if row.occurrence_at is None else to_micros(row.occurrence_at)
        yield Booked(row.id, row.task, row.schedule, moment)
