"""The `Run`: what a running task is given; its job, its log, its progress, its deadline."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from onbeat.domain.attempts import LogLine
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import ClaimedJob, JobId
from onbeat.domain.outcomes import Cancel, Snooze
from onbeat.domain.secrets import Scrub
from onbeat.store.column_types import from_micros
from onbeat.store.payloads import trace_in
from onbeat.store.texts import storable

MAX_LINES = 10_000
MAX_MESSAGE = 8_192
MAX_NOTE = 500

current_run: ContextVar[Run | None] = ContextVar("onbeat_run", default=None)
"""The run that the code now running belongs to."""


_beginning = threading.Lock()
"""Held while a run's record is made: a job may first tell something from two threads at once."""


class Record:
    """What a run has told so far and nobody has stored yet; any thread may add to it."""

    __slots__ = ("_lock", "heard", "lines", "note", "progress", "told", "written")

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self.lines: list[LogLine] = []
        self.heard: Callable[[LogLine], None] | None = None
        """Who else hears of each line, from whichever thread it is written."""
        self.written = 0
        self.progress: float | None = None
        self.note: str | None = None
        self.told = False
        """Whether progress has changed since it was last taken."""

    def add(self, line: LogLine) -> None:
        """Keep a line; past the limit one line says so and the rest is dropped."""
        if self.heard is not None:
            self.heard(line)
        with self._lock:
            self.written += 1
            if self.written <= MAX_LINES:
                self.lines.append(line)
            elif self.written == MAX_LINES + 1:
                dropped = f"more than {MAX_LINES} lines; the rest is dropped"
                self.lines.append(LogLine(at=line.at, level="warning", message=dropped))

    def take(self) -> tuple[int, list[LogLine]]:
        """The lines to store now, and the number of the first."""
        with self._lock:
            taken, self.lines = self.lines, []
            return min(self.written, MAX_LINES + 1) - len(taken) + 1, taken


class RunLog:
    """Writes lines into the attempt's record: `run.log.info("charged", order=42)`."""

    __slots__ = ("_now", "_record", "_scrub", "_written")

    def __init__(
        self,
        record: Record,
        now: Callable[[], datetime],
        written: Callable[[], None],
        scrub: Scrub | None = None,
    ) -> None:
        """Write into `record`, and call `written` after each line."""
        self._record = record
        self._now = now
        self._written = written
        self._scrub = scrub

    def debug(self, message: str, **fields: Any) -> None:
        """Add a line at level debug."""
        self.line("debug", message, fields)

    def info(self, message: str, **fields: Any) -> None:
        """Add a line at level info."""
        self.line("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        """Add a line at level warning."""
        self.line("warning", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        """Add a line at level error."""
        self.line("error", message, fields)

    def line(self, level: str, message: str, fields: dict[str, Any]) -> None:
        """Add a line; what JSON cannot carry is kept as its repr, and long text is cut."""
        text = self._hide(storable(str(message)))
        if len(text) > MAX_MESSAGE:
            text = text[:MAX_MESSAGE] + "…"
        encoded = self._hide_in(_encode_fields(fields)) if fields else b"{}"
        if len(encoded) > MAX_MESSAGE:
            encoded = b'{"cut":"the fields were over 8 KiB"}'
        kept = storable_json(encoded)
        self._record.add(LogLine(at=self._now(), level=level, message=text, fields=kept))
        self._written()

    def _hide(self, text: str) -> str:
        return text if self._scrub is None else self._scrub.text(text)

    def _hide_in(self, encoded: bytes) -> bytes:
        return encoded if self._scrub is None else self._scrub.json(encoded.decode()).encode()


class Keeper(Protocol):
    """Whoever holds the runs: it knows the time, and stores what they tell."""

    def now(self) -> datetime:
        """The moment it is."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that only goes forward."""
        ...

    def is_draining(self) -> bool:
        """Whether it takes no more jobs, and ends when those that run have ended."""
        ...

    def told(self, run: Run) -> None:
        """Hear that `run` has lines or progress to store; called from any thread."""
        ...


class Run:
    """One execution under way. A task asks for it by `run: Run` as its first parameter."""

    __slots__ = (
        "_keeper", "_occurrence_at", "_record", "_scrub", "attempt", "deadline", "heard_breakers",
        "job", "max_attempts", "options", "queue", "stop_kind", "stop_reason", "task", "token",
    )  # fmt: skip

    def __init__(
        self,
        claimed: ClaimedJob,
        deadline: float | None,
        keeper: Keeper,
        scrub: Scrub | None = None,
    ) -> None:
        """Made by the worker, which is the run's `keeper`; `scrub` hides the job's secrets."""
        self._scrub = scrub
        self.job: JobId = claimed.id
        """The job's id: the same for all its attempts, so usable as an idempotency key."""
        self.task = claimed.task
        """The name its job was stored under: of a task that was renamed, perhaps a former one."""
        self.queue = claimed.queue
        self.attempt = claimed.attempt
        """1 for the first."""
        self.max_attempts = claimed.max_attempts
        self.token = claimed.token
        """Greater for every later attempt of any job: a fence for what the job writes elsewhere."""
        self.stop_reason: str | None = None
        self.stop_kind: str | None = None
        """Why it is asked to stop: timeout, stop, shutdown or lost; None while it is not."""
        self.options = claimed.options
        """JSON of what its job overrides of its task; None for nothing."""
        self.deadline = deadline
        """The attempt's end in seconds of the worker's monotonic clock; None for no timeout."""
        self.heard_breakers: frozenset[str] = frozenset()
        """Breakers that heard of each request it made, and so need not hear how it ended."""
        self._occurrence_at = claimed.occurrence_at
        self._keeper = keeper
        self._record: Record | None = None

    @property
    def log(self) -> RunLog:
        """The attempt's log."""
        return RunLog(self.record, self._keeper.now, self._tell, self._scrub)

    @property
    def record(self) -> Record:
        """What the run has told so far; made when it first does, since most never do."""
        if self._record is None:
            with _beginning:
                if self._record is None:
                    self._record = Record()
        return self._record

    def progress(self, fraction: float, note: str | None = None) -> None:
        """Say how far the work has come, from 0 to 1, and what is being done."""
        if not 0 <= fraction <= 1:
            raise InvalidInput("fraction", f"{fraction!r} is out of range; give 0 to 1")
        self.record.progress = float(fraction)
        self.record.note = None if note is None else self.hide(storable(note))[:MAX_NOTE]
        self.record.told = True
        self._tell()

    @property
    def now(self) -> datetime:
        """The moment it is by the worker's clock, in UTC: in tests, where the test has moved it."""
        return self._keeper.now()

    @property
    def occurrence_at(self) -> datetime | None:
        """The moment of its schedule the job was made for; None for one asked for by hand."""
        return None if self._occurrence_at is None else from_micros(self._occurrence_at)

    @property
    def trace(self) -> dict[str, str]:
        """The headers of W3C's Trace Context that its job was asked for with; none for most."""
        return trace_in(self.options)

    @property
    def remaining(self) -> timedelta | None:
        """How long until the attempt's timeout; None when it has none."""
        if self.deadline is None:
            return None
        return timedelta(seconds=max(0.0, self.deadline - self._keeper.monotonic()))

    @property
    def is_draining(self) -> bool:
        """Whether its worker is about to end, and waits for this run: for no longer than its grace
        period. Work that is cut into pieces can stop after this one. Never in a process of its own.
        """
        return self._keeper.is_draining()

    @property
    def is_cancelled(self) -> bool:
        """Whether the job has been asked to stop, or its time is over."""
        return self.stop_reason is not None

    def check(self) -> None:
        """Raise Cancel when the job has been asked to stop: for threads, which cannot be ended."""
        if self.stop_reason is not None:
            raise Cancel(self.stop_reason)

    def snooze(self, delay: str | timedelta, reason: str = "") -> None:
        """End this attempt, and run the job again after `delay`; the attempt does not count."""
        raise Snooze(read_duration(delay, "delay"), reason)

    @property
    def has_secrets(self) -> bool:
        """Whether there is anything to hide in what it tells."""
        return self._scrub is not None

    def hide_also(self, values: Iterable[Any]) -> None:
        """Hide these values too, as those of the job's secret arguments."""
        if self._scrub is not None:
            self._scrub.learn(values)

    def hide(self, text: str) -> str:
        """The text with `***` for the values of the job's secret arguments."""
        return text if self._scrub is None else self._scrub.text(text)

    def hide_in_json(self, text: str) -> str:
        """The JSON text with `***` for the values of the job's secret arguments."""
        return text if self._scrub is None else self._scrub.json(text)

    def ask_to_stop(self, reason: str, kind: str = "stop") -> None:
        """Set by the worker when the job is cancelled, out of time, or the worker shuts down."""
        self.stop_reason, self.stop_kind = reason, kind

    def _tell(self) -> None:
        self._keeper.told(self)


def _encode_fields(fields: dict[str, Any]) -> bytes:
    """JSON of a line's fields; no value, however odd, fails the job that logs it."""
    try:
        return msgspec.json.encode(fields, enc_hook=repr)
    except Exception:
        return msgspec.json.encode({storable(name): _told(fields[name]) for name in fields})


def _told(value: Any) -> str:
    try:
        return storable(repr(value))
    except Exception:
        return f"<{type(value).__name__} whose repr fails>"


def storable_json(encoded: bytes) -> str:
    """JSON without escaped NULs, which PostgreSQL refuses."""
    if rb"\u0000" not in encoded:
        return encoded.decode()
    cleaned = _clean(msgspec.json.decode(encoded))
    return msgspec.json.encode(cleaned).decode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_clean(each) for each in value]
    if isinstance(value, dict):
        return {storable(key): _clean(each) for key, each in value.items()}
    return value
