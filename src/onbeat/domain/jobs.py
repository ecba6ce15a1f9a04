"""A job: one durable request to run a task with given arguments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NewType

import msgspec

from onbeat.domain.errors import InvalidInput, NotFound
from onbeat.domain.retries import Retry
from onbeat.domain.secrets import Path
from onbeat.domain.states import State
from onbeat.domain.uniqueness import UniqueKey

JobId = NewType("JobId", str)
"""32 hexadecimal digits: a UUIDv7 (RFC 9562 §5.7), made before the job is stored."""

DEFAULT_QUEUE = "default"
LOWEST_PRIORITY = 0
DEFAULT_PRIORITY = 5
HIGHEST_PRIORITY = 10
DEFAULT_MAX_ATTEMPTS = 3
MAX_ARGUMENT_BYTES = 256 * 1024
"""How many bytes of JSON a job's arguments may have, and its result, unless a setting says so."""

MAX_PAYLOAD_LIMIT = 16 * 1024 * 1024
"""What that setting may be at most."""

LONGEST_NAME = 200
ID_DIGITS = 32


# Of the values here, those made once per job are structs: 0.07 us each, a frozen dataclass 1.1.
class NewJob(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A job that is asked for; `args` is the JSON object of its arguments by name."""

    id: JobId
    task: str
    args: bytes = b"{}"
    queue: str = DEFAULT_QUEUE
    priority: int = DEFAULT_PRIORITY
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    timeout: timedelta | None = None
    retry: Retry | None = None
    """Overrides the task's own policy for this one job."""
    delay: timedelta | None = None
    """Run no sooner than this after it is stored."""
    due_at: datetime | None = None
    """Run no sooner than this moment."""
    grace: timedelta | None = None
    """By how much its virtual clock may jump past that moment; None for any."""
    ties: tuple[str, ...] = ()
    """What ties it to others; see domain/ties.py."""
    is_marked: bool = False
    """Whether tags or an owner are among its ties."""
    region: str | None = None
    """Where it is wanted."""
    route: bytes | None = None
    """How it was sent to its queue, as JSON; see domain/regions.py."""
    secrets: tuple[Path, ...] = ()
    """Where in its arguments the secrets are; see domain/secrets.py."""
    unique: UniqueKey | None = None
    """The key that it alone may have."""
    start_within: timedelta | None = None
    """Call it off when it has not begun so long after it might."""
    start_by: datetime | None = None
    """Call it off when it has not begun by this moment."""
    trace: tuple[tuple[str, str], ...] = ()
    """The W3C trace context of where it was asked for, header by header."""
    results: tuple[tuple[str, str | tuple[str, ...]], ...] = ()
    """Arguments that are results, each with the job, or the list of jobs, whose results they are.
    """

    def __repr__(self) -> str:
        """Show task and id; its arguments may be secret."""
        return f"<NewJob {self.task} {self.id}>"

    @property
    def has_conditions(self) -> bool:
        """Whether more of it is stored than its place: a key, a deadline, what it is found by."""
        return (
            self.unique is not None
            or self.start_within is not None
            or self.start_by is not None
            or self.is_marked
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job on record, with where it stands now."""

    id: JobId
    task: str
    queue: str
    priority: int
    state: State
    args: str
    """JSON of its arguments by name, as it may be shown: `***` for what is secret."""
    attempt: int
    """How many attempts have been started; a running one counts."""
    max_attempts: int
    created_at: datetime
    due_at: datetime | None = None
    """When a waiting job becomes pending."""
    started_at: datetime | None = None
    """When its last attempt began; in lists only of a job that runs."""
    finished_at: datetime | None = None
    reason: str | None = None
    """Why it stands where it stands: the blocker, the canceller, the last error."""
    schedule: str | None = None
    occurrence_at: datetime | None = None
    progress: float | None = None
    note: str | None = None
    route: str | None = None
    """How it was sent to its queue, as JSON: asked, region, why, moved_from, moved_at."""
    stop_asked: str | None = field(default=None)
    """Set while a running job has been asked to stop: by whom or why."""
    runs_as: str | None = None
    """The name its task has now, where it was stored under a former one and a worker said so."""
    expires_at: datetime | None = None
    """When it is called off if it has not begun by then."""
    tags: tuple[str, ...] = ()
    owner: str | None = None


class ClaimedJob(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A pending job a worker has taken, fenced by `token`; its fields are a claim's columns."""

    id: JobId
    token: int
    """Ever increasing; whoever deletes the lease with this token decides what became of it."""
    task: str
    queue: str
    attempt: int
    """1 for the first."""
    max_attempts: int
    args: str
    options: str | None = None
    """JSON of what this one job overrides of its task: timeout, retry."""
    occurrence_at: int | None = None
    """The moment of its schedule it was made for, in microseconds since 1970."""
    losses: int | None = None
    """How many workers have died under it; None for none."""
    waited: int | None = None
    """For how many microseconds it had been pending when it was taken."""

    def __repr__(self) -> str:
        """Show task and id; its arguments may be secret."""
        return f"<ClaimedJob {self.task} {self.id}>"


def check_priority(priority: int) -> int:
    """Return `priority`; it must be a whole number from 0 to 10, higher is more urgent."""
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise InvalidInput("priority", f"{priority!r} is not a whole number from 0 to 10")
    if not LOWEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
        raise InvalidInput("priority", f"{priority} is out of range; give 0 (lowest) to 10")
    return priority


def check_name(field_name: str, name: str) -> str:
    """Return `name`; it must be printable, without spaces, of 1 to 200 characters."""
    if not isinstance(name, str):
        raise InvalidInput(field_name, f"{name!r} is no text; give a name of 1 to 200 characters")
    if not name or len(name) > LONGEST_NAME or not name.isprintable() or " " in name:
        shown = name if len(name) <= LONGEST_NAME else name[:20] + "…"
        raise InvalidInput(
            field_name, f"{shown!r} is not a name; give 1 to 200 characters without spaces"
        )
    return name


def check_page(limit: int, instead: str = "") -> None:
    """Raise InvalidInput where a list is to be of fewer than one."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise InvalidInput("limit", f"{limit!r} is out of range; give 1 or more{instead}")


def made_at(job: JobId) -> datetime:
    """When the id was made: the first 48 bits of a UUIDv7 are milliseconds since 1970."""
    return datetime.fromtimestamp(int(job[:12], 16) / 1000, UTC)


def kind_of_error(reason: str | None) -> str | None:
    """Of what says an error its kind: what it says besides often holds arguments."""
    return None if reason is None else reason.partition(":")[0]


def without_error(job: Job) -> Job:
    """The job as those see it who may not see arguments."""
    if job.state not in (State.FAILED, State.RETRYING):
        return job
    return replace(job, reason=kind_of_error(job.reason))


def no_job(job: JobId) -> NotFound:
    """What says that there is none, or none that who asks may see: in the same words."""
    return NotFound(f"no job {job}", "jobs")


def drawn_id(millis: int, digest: str) -> JobId:
    """The id of a job that follows from something else: drawn twice, it is the same one.

    A UUIDv7 of that moment, in milliseconds since 1970, whose other bits are of the `digest`, 19
    hexadecimal digits or more.
    """
    rest = int(digest[:19], 16)
    bits = millis << 80 | 7 << 76 | (rest >> 62 & 0xFFF) << 64 | 2 << 62 | rest & (1 << 62) - 1
    return JobId(f"{bits:032x}")


def parse_job_id(text: str, noun: str = "job") -> JobId:
    """Read a job id, or that of something else, with or without dashes. Raises InvalidInput."""
    digits = text.replace("-", "").strip().lower()
    if len(digits) != ID_DIGITS or not all(c in "0123456789abcdef" for c in digits):
        article = "an" if noun[0] in "aeiou" else "a"
        told = f"{text!r} is not {article} {noun} id; it has 32 hexadecimal digits"
        raise InvalidInput(noun, told)
    return JobId(digits)
