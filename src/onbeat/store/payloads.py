"""What goes to and comes from the hot statements: rows as one JSON text, and back.

A statement takes any number of rows as one parameter, so its text is fixed, it is prepared once,
and a batch costs one round trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import msgspec

from onbeat.domain.attempts import Failure
from onbeat.domain.jobs import HIGHEST_PRIORITY, ClaimedJob, JobId, NewJob
from onbeat.domain.outcomes import Ack
from onbeat.domain.retries import Retry
from onbeat.domain.secrets import EACH, Path
from onbeat.domain.states import MOVES, Place
from onbeat.domain.ties import encode_ties
from onbeat.store.texts import has_unkept, refuse_unkept, storable, storable_json

encode = msgspec.json.encode

NO_TIME = timedelta()


class JobRow(msgspec.Struct, omit_defaults=True):
    """A job asked for, as the enqueue statement reads it."""

    id: str
    task: str
    queue: str
    lane: int
    max_attempts: int
    args: msgspec.Raw
    options: msgspec.Raw | None = None
    delay: int | None = None
    """Microseconds from the moment it is stored."""
    due_at: int | None = None
    """Microseconds since 1970."""
    ties: str | None = None
    key: str | None = None
    within: int | None = None
    """Microseconds for which it has the key; None until the job lets go of it."""
    start_within: int | None = None
    start_by: int | None = None
    """Microseconds since 1970."""


class AckRow(msgspec.Struct, omit_defaults=True):
    """An ack, as the ack statement reads it."""

    token: int
    place: str
    outcome: str
    attempt: int
    state: str | None = None
    delay: int = 0
    """Microseconds."""
    reason: str | None = None
    error: msgspec.Raw | None = None
    result: msgspec.Raw | None = None
    """In an array of one: SQLite hands arrays back letter for letter, but not long numbers."""
    losses: int | None = None


def lane_of(priority: int) -> int:
    """The lane of a priority: 0 is claimed first."""
    return HIGHEST_PRIORITY - priority


priority_of = lane_of
"""The same turn, back."""


def micros(duration: timedelta) -> int:
    """Whole microseconds of a duration."""
    return duration // timedelta(microseconds=1)


def job_options(
    timeout: timedelta | None,
    retry: Retry | None,
    secrets: Sequence[Path] = (),
    results: Sequence[tuple[str, str | Sequence[str]]] = (),
    route: bytes | None = None,
    trace: Sequence[tuple[str, str]] = (),
) -> bytes | None:
    """JSON of what a job overrides of its task, where its secrets are, which of its arguments are
    results of others, how it was sent to its queue, and the trace it is of; None when there is
    nothing of it.
    """
    options: dict[str, Any] = {}
    if timeout is not None:
        options["timeout"] = timeout.total_seconds()
    if retry is not None:
        options["retry"] = retry.spec()
    if secrets:
        options["secrets"] = secrets
    if results:
        options["results"] = dict(results)
    if route is not None:
        options["route"] = msgspec.Raw(route)
    if trace:
        options["trace"] = dict(trace)
    return encode(options) if options else None


def trace_in(options: str | None) -> dict[str, str]:
    """The headers of the trace context that a job came with; none where it came with none."""
    if options is None or '"trace"' not in options:
        return {}
    headers: dict[str, str] = msgspec.json.decode(options).get("trace") or {}
    return headers


class _Secrets(msgspec.Struct):
    """What is read of a job's options to know what is not to be shown."""

    secrets: list[Path] = []


_read_secrets = msgspec.json.Decoder(_Secrets).decode


@lru_cache(maxsize=1_000)
def secrets_in(options: str | None) -> tuple[Path, ...]:
    """Where a job's secrets are, from its options; all of it where they cannot be read."""
    if options is None or '"secrets"' not in options:
        return ()
    try:
        return tuple(_read_secrets(options).secrets)
    except msgspec.MsgspecError:
        return ((EACH,),)


def with_secrets(options: str | None, secrets: Sequence[Path]) -> str | None:
    """The options of a job of another task, with the places of that task's secrets."""
    said = {} if options is None else msgspec.json.decode(options)
    said.pop("secrets", None)
    if secrets:
        said["secrets"] = secrets
    return encode(said).decode() if said else None


def with_route(options: str | None, route: bytes) -> str:
    """The options of a job that was sent to another queue than its schedule's, with the way."""
    said = {} if options is None else msgspec.json.decode(options)
    return encode({**said, "route": msgspec.Raw(route)}).decode()


def encode_jobs(jobs: Sequence[NewJob], to_micros: Any) -> str:
    """All rows of an enqueue as one JSON text; of one that comes twice, the first."""
    jobs = _distinct(jobs)
    return _checked(encode([_job_row(job, to_micros) for job in jobs]).decode(), jobs)


def job_values(job: NewJob) -> dict[str, Any]:
    """The values of one job that does not wait, for a statement of its own."""
    options = _encoded_options(job)
    return {
        "id": job.id,
        "task": job.task,
        "queue": job.queue,
        "lane": lane_of(job.priority),
        "attempts": job.max_attempts,
        "args": _checked(job.args.decode(), [job]),
        "options": None if options is None else options.decode(),
        "ties": encode_ties(job.ties),
    }


def unique_values(job: NewJob) -> dict[str, Any]:
    """The same of one with a unique key."""
    assert job.unique is not None  # noqa: S101 - whoever asks has looked
    within = None if job.unique.within is None else micros(job.unique.within)
    return {**job_values(job), "key": job.unique.key, "within": within}


def encode_job_arrays(jobs: Sequence[NewJob], to_micros: Any) -> tuple[str, str]:
    """The same as arrays, and apart from them id, delay and moment of those that are to wait."""
    jobs = _distinct(jobs)
    rows = [book_row(job) for job in jobs]
    later = [
        (job.id, micros(job.delay or NO_TIME), to_micros(job.due_at) if job.due_at else 0)
        for job in jobs
        if job.delay is not None or job.due_at is not None
    ]
    return _checked(encode(rows).decode(), jobs), encode(later).decode()


def book_row(job: NewJob) -> tuple[Any, ...]:
    """A job's row in the book, but for its moment, as an array."""
    return (
        job.id, job.task, job.queue, HIGHEST_PRIORITY - job.priority, job.max_attempts,
        msgspec.Raw(job.args), _own_options(job), encode_ties(job.ties),
    )  # fmt: skip


def _distinct(jobs: Sequence[NewJob]) -> Sequence[NewJob]:
    once = {job.id: job for job in reversed(jobs)}
    return jobs if len(once) == len(jobs) else list(reversed(once.values()))


def _checked(text: str, jobs: Sequence[NewJob]) -> str:
    if has_unkept(text):
        for job in jobs:
            refuse_unkept(job.args.decode(), f"job {job.id} ({job.task})")
    return text


def _own_options(job: NewJob) -> msgspec.Raw | None:
    plain = job.timeout is None and job.retry is None and job.route is None
    if plain and not job.secrets and not job.results and not job.trace:
        return None
    return msgspec.Raw(_encoded_options(job) or b"null")


def _encoded_options(job: NewJob) -> bytes | None:
    return job_options(job.timeout, job.retry, job.secrets, job.results, job.route, job.trace)


def _job_row(job: NewJob, to_micros: Any) -> JobRow:
    row = JobRow(
        job.id, job.task, job.queue, HIGHEST_PRIORITY - job.priority, job.max_attempts,
        msgspec.Raw(job.args), _own_options(job),
    )  # fmt: skip
    if job.delay is not None:
        row.delay = micros(job.delay)
    if job.due_at is not None:
        row.due_at = to_micros(job.due_at)
    row.ties = encode_ties(job.ties)
    if job.has_conditions:
        _add_conditions(row, job, to_micros)
    return row


def _add_conditions(row: JobRow, job: NewJob, to_micros: Any) -> None:
    if job.unique is not None:
        row.key = job.unique.key
        row.within = None if job.unique.within is None else micros(job.unique.within)
    if job.start_within is not None:
        row.start_within = micros(job.start_within)
    if job.start_by is not None:
        row.start_by = to_micros(job.start_by)


def encode_deadlines(jobs: Sequence[NewJob], to_micros: Any) -> str | None:
    """The deadlines of jobs that have one, as arrays; None where none has."""
    rows = [
        (
            job.id,
            None if job.start_within is None else micros(job.start_within),
            None if job.start_by is None else to_micros(job.start_by),
        )
        for job in jobs
        if job.start_within is not None or job.start_by is not None
    ]
    return encode(rows).decode() if rows else None


def encode_acks(acks: Iterable[Ack]) -> tuple[str, str]:
    """Two JSON texts: the tokens of those that succeeded and gave nothing back, and other rows."""
    completed, others = _ack_rows(acks)
    return encode(completed).decode(), encode(others).decode()


def encode_ack_arrays(acks: Iterable[Ack]) -> tuple[str, str]:
    """The same, with rows as arrays."""
    completed, others = _ack_rows(acks)
    arrays = [msgspec.structs.astuple(row) for row in others]
    return encode(completed).decode(), encode(arrays).decode()


def _ack_rows(acks: Iterable[Ack]) -> tuple[list[int], list[AckRow]]:
    completed: list[int] = []
    others: list[AckRow] = []
    for ack in acks:
        if ack.move == "complete" and ack.result is None and ack.reason is None:
            completed.append(ack.token)
        else:
            others.append(_ack_row(ack))
    return completed, others


def _ack_row(ack: Ack) -> AckRow:
    move = MOVES[ack.move]
    row = AckRow(ack.token, move.enters, ack.outcome, ack.spent, losses=ack.losses)
    if move.enters is Place.FINISHED:
        row.state = move.state
    if ack.delay is not None:
        row.delay = micros(ack.delay)
    if ack.reason is not None:
        row.reason = storable(ack.reason)
    if ack.failure is not None:
        row.error = msgspec.Raw(encode_failure(ack.failure))
    if ack.result is not None:
        row.result = msgspec.Raw(f"[{storable_json(ack.result)}]".encode())
    return row


def encode_failure(failure: Failure) -> bytes:
    """An error as it is kept."""
    kept = {
        "type": failure.type,
        "message": storable(failure.message),
        "traceback": storable(failure.traceback),
    }
    if failure.error_class is not None:
        kept["error_class"] = failure.error_class
    return encode(kept)


def encode_names(names: Sequence[str]) -> str:
    """A list of names as one JSON text, each once."""
    return encode(list(dict.fromkeys(names))).decode()


_refused = msgspec.json.Decoder(list[tuple[str, str]])


def decode_refused(text: str) -> dict[JobId, JobId]:
    """Of jobs that were not stored, by id the job that has their key."""
    return {JobId(job): JobId(holder) for job, holder in _refused.decode(text)}


_claimed = msgspec.json.Decoder(list[ClaimedJob])


def decode_claimed(text: str) -> list[ClaimedJob]:
    """The claim statement's rows, from one JSON text."""
    return _claimed.decode(text)


class AdvanceRow(msgspec.Struct, omit_defaults=True):
    """What a tick writes to a schedule."""

    id: str
    made: int
    next_due_at: int | None = None
    last_due_at: int | None = None
    last_job: str | None = None
    awaits_job: str | None = None
    broken: str | None = None
    held_due_at: int | None = None
    skips: int = 0
    """How many moments were left out that somebody asked to be."""
    failures: int = 0
    judged_job: str | None = None
    """Whose end is counted in `failures` now."""
    late: int = 0
    coalesced: int = 0
    skipped: int = 0
    missed: int = 0
    pause: str | None = None
    """Why it is to be paused."""
    queue: str | None = None
    """Where its jobs are sent instead of its own queue."""
    route: msgspec.Raw | None = None
    """What is added to their options to say why."""


OF_SCHEDULE = AdvanceRow.__struct_fields__.index("queue")
"""How many of the fields are the schedule's own."""


class OccurrenceRow(msgspec.Struct, omit_defaults=True):
    """What a tick writes to the ledger; `job` is the id of the job it makes."""

    schedule: str
    due_at: int
    outcome: str
    through_at: int | None = None
    job: str | None = None
    reason: str | None = None
    run_at: int | None = None
    """When the job is to run; None for at once."""


class FiringRows(msgspec.Struct):
    """Everything one tick writes."""

    schedules: list[AdvanceRow]
    occurrences: list[OccurrenceRow]


def encode_firing(rows: FiringRows) -> tuple[str, str]:
    """The occurrences, and id and moment of the jobs that are to wait, as arrays."""
    sent = {row.id: (row.queue, row.route) for row in rows.schedules if row.queue is not None}
    occurrences: list[tuple[Any, ...]] = [msgspec.structs.astuple(row) for row in rows.occurrences]
    if sent:
        nowhere = (None, None)
        occurrences = [(*row, *sent.get(row[0], nowhere)) for row in occurrences]
    later = [(row.job, row.run_at) for row in rows.occurrences if row.run_at is not None]
    return encode(occurrences).decode(), encode(later).decode()


def advances(rows: FiringRows, now: int) -> list[tuple[Any, ...]]:
    """What is written to each schedule, for a statement that is run for each.

    Where its jobs are sent is written to them alone.
    """
    return [(*msgspec.structs.astuple(row)[:OF_SCHEDULE], now) for row in rows.schedules]


def encode_fired(rows: FiringRows) -> str:
    """The ids of the jobs a tick makes."""
    return encode([row.job for row in rows.occurrences if row.job is not None]).decode()
