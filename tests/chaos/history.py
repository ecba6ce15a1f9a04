"""All that is known of a run: what was asked for, what jobs did, what is on record, what we did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from onbeat.store.column_types import to_micros
from onbeat.store.schema import attempts, finished, jobs, occurrences, workflows
from tests.chaos.effects import Effect, Word


class Answer(StrEnum):
    """What whoever asked for a job was told."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """Another job has its unique key."""
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


@dataclass(frozen=True, slots=True)
class Request:
    """Jobs of one task that were asked for together, and answered."""

    task: str
    jobs: Mapping[str, str]
    """The key of each."""
    refused: Mapping[str, str]
    """Of those whose key another job has, that one."""
    began: float
    answered: float


@dataclass(frozen=True, slots=True)
class FlowAsked:
    """A workflow that was asked for."""

    id: str
    members: Sequence[str]
    edges: Sequence[tuple[str, str, str]]
    """Parent, who waits for it, and for which end."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a workflow has on record about itself."""

    id: str
    total: int
    ended: int
    failed: int
    cancelled: int
    is_over: bool


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody lets a limit allow something else: from when it is asked both may hold, from when
    it is answered only this.
    """

    limit: str
    most: int
    at: float
    is_answered: bool


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The answer to who called a job off."""

    job: str
    state: str
    at: float


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
    requests: list[Request] = field(default_factory=list)
    flows: dict[str, FlowAsked] = field(default_factory=dict)
    totals: list[Totals] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    called_off: set[str] = field(default_factory=set)
    """Jobs that somebody called off, and tasks all of whose jobs somebody did."""
    cancels: list[Cancelled] = field(default_factory=list)
    outages: list[tuple[float, float]] = field(default_factory=list)
    """When the dependency was down."""


def read_answers(path: Path, effects: list[Effect]) -> dict[str, Answer]:
    """What was asked for, by the client and by jobs."""
    answers: dict[str, Answer] = {}
    for line in path.read_text().splitlines():
        word, job, _ = line.split(" ")
        _hear(answers, job, ANSWERS.get(word, Answer.UNKNOWN))
    for effect in effects:
        if effect.other is not None:
            is_known = effect.word is Word.ASKED
            _hear(answers, effect.other, Answer.ACCEPTED if is_known else Answer.UNKNOWN)
    return answers


ANSWERS = {"ok": Answer.ACCEPTED, "refused": Answer.REFUSED}


def _hear(answers: dict[str, Answer], job: str, answer: Answer) -> None:
    if answer is Answer.UNKNOWN:
        answers.setdefault(job, answer)
    else:
        answers[job] = answer


def read_diary(path: Path, history: History) -> None:
    """Fill in what the client asked for beside plain jobs."""
    for line in path.read_text().splitlines() if path.exists() else []:
        told = json.loads(line)
        _DIARY[told.pop("what")](history, told)


def _read_ask(history: History, told: dict[str, Any]) -> None:
    _hear(history.asked, told["job"], Answer.UNKNOWN)


def _read_asked(history: History, told: dict[str, Any]) -> None:
    history.requests.append(Request(**told))
    for job in told["jobs"]:
        answer = Answer.REFUSED if job in told["refused"] else Answer.ACCEPTED
        _hear(history.asked, job, answer)


def _read_flow(history: History, told: dict[str, Any]) -> None:
    answer = Answer.ACCEPTED if told.pop("is_accepted") else Answer.UNKNOWN
    flow = FlowAsked(told["id"], told["members"], [tuple(each) for each in told["edges"]])
    history.flows[flow.id] = flow
    for job in flow.members:
        _hear(history.asked, job, answer)


def _read_limit(history: History, told: dict[str, Any]) -> None:
    history.changes.append(Change(told["name"], told["most"], told["at"], told["is_set"]))


def _read_cancelled(history: History, told: dict[str, Any]) -> None:
    history.cancels.append(Cancelled(told["job"], told["state"], told["answered"]))


_DIARY: dict[str, Callable[[History, dict[str, Any]], object]] = {
    "ask": _read_ask,
    "asked": _read_asked,
    "flow": _read_flow,
    "limit": _read_limit,
    "cancel": lambda history, told: history.called_off.add(told["job"]),
    "cancelled": _read_cancelled,
    "cancel many": lambda history, told: history.called_off.add(told["task"]),
}


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
    history.totals = [
        Totals(row.id, row.total, row.ended, row.failed, row.cancelled, row.ended_at is not None)
        for row in connection.execute(select(workflows))
    ]


def _booked(connection: Connection) -> Iterator[Booked]:
    query = select(jobs.c.id, jobs.c.task, jobs.c.schedule, jobs.c.occurrence_at)
    for row in connection.execute(query):
        moment = None if row.occurrence_at is None else to_micros(row.occurrence_at)
        yield Booked(row.id, row.task, row.schedule, moment)
