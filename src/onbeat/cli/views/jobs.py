"""Jobs, their attempts and their log lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from rich.text import Text

from onbeat.app.facts.jobs import decoded
from onbeat.cli.output.colours import BAD, HEADING, LOG_LEVELS, OUTCOMES, QUIET, of_state
from onbeat.cli.output.tables import Cell, Column, table
from onbeat.cli.output.words import both, lasting, many, one_line, since, visible
from onbeat.domain.attempts import Attempt, Failure, ends_before
from onbeat.domain.jobs import Job
from onbeat.domain.regions import route_text
from onbeat.domain.secrets import HIDDEN
from onbeat.domain.states import State
from onbeat.runtime.tasks import SHELL
from onbeat.store.history import StoredLine

COLUMNS = (
    Column("ID"),
    Column("STATE"),
    Column("TASK", bends=True),
    Column("QUEUE", bends=True, spare=True),
    Column("TRY"),
    Column("WHEN"),
)
ATTEMPTS = (
    Column("#", right=True),
    Column("OUTCOME"),
    Column("STARTED"),
    Column("TOOK", right=True),
    Column("REASON", bends=True),
)
LAST_LINES = 10
TRACEBACK_LINES = 15
BAR = 24


def job_rows(jobs: Sequence[Job], now: datetime) -> list[list[Cell]]:
    """The rows of a list."""
    return [
        [
            job.id,
            of_state(job.state),
            named(job.task, job.runs_as),
            job.queue,
            f"{job.attempt}/{job.max_attempts}",
            since(_moment(job), now),
        ]
        for job in jobs
    ]


def _moment(job: Job) -> datetime:
    """What matters of a job's times: when it ended, runs since, is due, or was asked for."""
    return job.finished_at or job.started_at or job.due_at or job.created_at


def page(
    job: Job,
    attempts: Sequence[Attempt],
    lines: Sequence[tuple[int, StoredLine]],
    now: datetime,
    width: int | None,
) -> Iterator[str | Text]:
    """All there is to say of one job."""
    facts = _facts(job, now)
    facts += [
        ("run again", f"it had ended after {many(ended.attempt, 'attempt')}: {_end(ended)}, "
                      f"{both(ended.finished_at, now)}")
        for ended in ends_before(attempts, _next_attempt(job))
    ]  # fmt: skip
    if job.state is State.COMPLETED and attempts and attempts[-1].result is not None:
        facts.append(("result", attempts[-1].result))
    yield from fields(facts)
    if attempts:
        yield ""
        yield from table(ATTEMPTS, [_attempt_row(each, now) for each in attempts], width)
        yield from _uncounted(attempts)
    failure = attempts[-1].error if attempts else None
    if failure is not None and job.state is not State.COMPLETED:
        yield ""
        yield from _failure(failure, job)
    if lines:
        yield ""
        yield from _log(job, lines)


def _next_attempt(job: Job) -> int | None:
    """The number of the attempt that runs or comes next; None where the job has ended."""
    if job.state.is_final:
        return None
    return job.attempt if job.state is State.RUNNING else job.attempt + 1


def _end(ended: Attempt) -> str:
    return f"{ended.outcome} ({ended.reason})" if ended.reason else ended.outcome


def fields(facts: Sequence[tuple[str, str | Text]]) -> Iterator[Text]:
    """Names and values, one under the other."""
    widest = max(len(name) for name, _ in facts)
    for name, value in facts:
        shown = value if isinstance(value, Text) else Text(one_line(value))
        yield Text.assemble((f"{name:<{widest}}  ", QUIET), shown)


def _facts(job: Job, now: datetime) -> list[tuple[str, str | Text]]:
    state = Text.assemble(of_state(job.state), f", attempt {job.attempt} of {job.max_attempts}")
    facts: list[tuple[str, str | Text]] = [
        ("job", job.id),
        ("task", named(job.task, job.runs_as)),
        ("state", state),
    ]
    if job.reason is not None:
        facts.append(("reason", job.reason))
    if job.stop_asked is not None:
        facts.append(("asked to stop", job.stop_asked))
    if job.progress is not None:
        facts.append(("progress", bar(job.progress, job.note)))
    facts += [
        ("args", shown_args(job.task, job.args)),
        ("queue", f"{job.queue}, priority {job.priority}"),
    ]
    facts += found_by(job.tags, job.owner)
    if job.route is not None:
        facts.append(("region", route_text(job.route)))
    if job.schedule is not None:
        facts.append(("schedule", f"{job.schedule}, due {both(job.occurrence_at, now)}"))
    for name, moment in (
        ("asked for", job.created_at),
        ("due", job.due_at),
        ("must begin by", job.expires_at),
        ("started", job.started_at),
        ("ended", job.finished_at),
    ):
        if moment is not None:
            facts.append((name, both(moment, now)))
    return facts


def found_by(tags: Sequence[str], owner: str | None) -> list[tuple[str, str | Text]]:
    """Tags and owner, of what has them."""
    facts: list[tuple[str, str | Text]] = [("tags", ", ".join(tags))] if tags else []
    return facts if owner is None else [*facts, ("owner", owner)]


def named(task: str, runs_as: str | None) -> str:
    """A task's name, and the one it has now, if that is another."""
    return task if runs_as is None else f"{task} (now {runs_as})"


def shown_args(task: str, args: str) -> str:
    """A task's arguments, for people; what a command's environment holds may be a secret."""
    told = decoded(args)
    if task != SHELL or told is None:
        return args
    if isinstance(told, dict) and isinstance(told.get("env"), dict):
        told["env"] = dict.fromkeys(told["env"], HIDDEN)
    return msgspec.json.encode(told).decode()


def bar(fraction: float, note: str | None) -> str:
    """How far a job has come."""
    full = round(fraction * BAR)
    return f"{'█' * full}{'░' * (BAR - full)} {fraction:.0%}" + (f"  {note}" if note else "")


def _attempt_row(attempt: Attempt, now: datetime) -> list[Cell]:
    return [
        str(attempt.attempt) if attempt.counts else Text(f"({attempt.attempt})", QUIET),
        _outcome(attempt),
        since(attempt.started_at, now),
        lasting(attempt.finished_at - attempt.started_at),
        attempt.reason or "",
    ]


def _outcome(attempt: Attempt) -> Text:
    """How it ended; of a failure, its class too."""
    text = Text(attempt.outcome, OUTCOMES.get(attempt.outcome, ""))
    if attempt.error is not None and attempt.error.error_class is not None:
        text.append(f" ({attempt.error.error_class})", QUIET)
    return text


def _uncounted(attempts: Sequence[Attempt]) -> Iterator[Text]:
    """Why two attempts have one number."""
    outcomes = dict.fromkeys(each.outcome for each in attempts if not each.counts)
    if outcomes:
        told = f"(n): {' or '.join(outcomes)}, which does not count; the next has its number again"
        yield Text(told, QUIET)


def _failure(failure: Failure, job: Job) -> Iterator[str | Text]:
    told = failure.traceback.rstrip().splitlines() or [f"{failure.type}: {failure.message}"]
    yield Text("last error", HEADING)
    if len(told) > TRACEBACK_LINES:
        yield Text(f"  … {many(len(told) - TRACEBACK_LINES, 'line')} more: --json", QUIET)
    for line in told[-TRACEBACK_LINES:-1]:
        yield f"  {line}"
    yield Text(f"  {visible(told[-1])}", BAD)


def _log(job: Job, lines: Sequence[tuple[int, StoredLine]]) -> Iterator[str | Text]:
    yield Text("log", HEADING)
    if len(lines) > LAST_LINES:
        yield Text(f"  … {len(lines) - LAST_LINES:,} before: onbeat jobs logs {job.id}", QUIET)
    for attempt, stored in lines[-LAST_LINES:]:
        yield Text("  ").append_text(log_line(attempt, stored))


def log_line(attempt: int, stored: StoredLine) -> Text:
    """One log line; its time is UTC."""
    line = stored.line
    text = Text.assemble(
        (f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03} ", QUIET),
        (f"#{attempt} ", QUIET),
        (f"{line.level:<7} ", LOG_LEVELS.get(line.level, "")),
        visible(line.message),
    )
    for name, value in msgspec.json.decode(line.fields).items():
        shown = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        text.append(f" {name}={visible(shown)}", QUIET)
    return text
