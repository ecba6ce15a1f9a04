"""Logs of a process: what happens in Onbeat, and what users' code says with `logging`, one way.

`start_logging` is for a process that is ours (`onbeat up`, `worker`, `scheduler`); a program that
embeds Onbeat has its own logging, and may take `LogSubscriber` into it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import ExcInfo, Processor

from onbeat.domain.events import Event, JobEnded, JobStarted, OccurrenceDecided, TasksUnknown
from onbeat.domain.url_passwords import hide_passwords
from onbeat.runtime.hiding import hide, is_anything_secret, tell_unwritable
from onbeat.runtime.run import current_run
from onbeat.telemetry.happenings import LEVELS, happening_of

LOUD_LIBRARIES = ("alembic", "asyncio", "sqlalchemy")
"""They tell at info what only their own developers want to know."""

EVENT_WIDTH = 22
"""The longest event's name: fields begin in one column."""

_FIRST = ("timestamp", "level", "event")

Line = MutableMapping[str, Any]


class LogSubscriber:
    """An `Emit` that writes each event as a line."""

    def __init__(self, write: Any, level: str = "info") -> None:
        """Write through `write`, a structlog logger, what is at `level` or above."""
        self._write = write
        self._threshold = LEVELS[level]
        self._is_debug = level == "debug"
        self._told: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Hear of an event."""
        # Jobs that are made, begin and complete are nearly all there is: at 50,000 a second each
        # look counts.
        if not self._is_debug and _is_routine(event):
            return
        happening = happening_of(event)
        level = LEVELS[happening.level]
        if isinstance(event, TasksUnknown) and not self._is_news(event):
            level = LEVELS["debug"]
        if level >= self._threshold:
            self._write.log(level, happening.name, **happening.fields)

    def _is_news(self, event: TasksUnknown) -> bool:
        """A task nobody here knows comes back every few seconds: it is told of once."""
        news = set(event.tasks) - self._told
        self._told |= news
        return bool(news)


def _is_routine(event: Event) -> bool:
    kind = type(event)
    if kind is OccurrenceDecided:
        return event.job is not None  # type: ignore[union-attr] # told by its type
    return kind is JobStarted or (kind is JobEnded and event.move == "complete")  # type: ignore[union-attr] # told by its type


def start_logging(
    style: str, level: str, stream: TextIO | None = None, *, colours: bool | None = None
) -> LogSubscriber:
    """Send this process's logs to `stream` (stderr) as `console` or `json`.

    A program that has given the root logger a handler of its own keeps it, for its own lines.
    """
    stream = stream or sys.stderr
    processors = _processors(style, stream.isatty() if colours is None else colours, stream)
    own = logging.getLogger("onbeat.events")
    own.propagate = False
    own.setLevel(logging.DEBUG)
    own.handlers = [_handler(stream, processors)]
    _take_root(stream, processors, level)
    return LogSubscriber(
        structlog.wrap_logger(
            own,
            processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            wrapper_class=structlog.stdlib.BoundLogger,
        ),
        level,
    )


def _take_root(stream: TextIO, processors: list[Processor], level: str) -> None:
    root = logging.getLogger()
    root.setLevel(LEVELS[level])
    for name in LOUD_LIBRARIES:
        if logging.getLogger(name).level == logging.NOTSET:
            logging.getLogger(name).setLevel(max(logging.WARNING, LEVELS[level]))
    if not any(isinstance(each, logging.StreamHandler) for each in root.handlers):
        root.addHandler(_handler(stream, processors))


class _Writer(logging.StreamHandler[TextIO]):
    """Writes lines."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Tell of a record that cannot be written, without secrets."""
        tell_unwritable(record)


def _handler(stream: TextIO, processors: list[Processor]) -> logging.Handler:
    handler = _Writer(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                _add_logger,
                structlog.stdlib.ExtraAdder(),
                _add_run,
                _add_trace,
            ],
            processors=[structlog.stdlib.add_log_level, *processors],
        )
    )
    return handler


def _processors(style: str, colours: bool, stream: TextIO) -> list[Processor]:  # noqa: FBT001 - private
    clean: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _hide_secrets,
    ]
    if style == "json":
        return [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *clean,
            _in_order,
            structlog.processors.JSONRenderer(),
        ]
    short = stream.isatty()
    stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S" if short else "iso", utc=not short)
    console = structlog.dev.ConsoleRenderer(
        colors=colours,
        pad_event_to=EVENT_WIDTH,
        pad_level=True,
        exception_formatter=_write_traceback,
        sort_keys=False,
    )
    return [stamp, *clean, console]


def _write_traceback(stream: TextIO, error: ExcInfo) -> None:
    told = "".join(traceback.format_exception(*error))
    stream.write("\n" + hide_passwords(hide(told).rstrip("\n")))


def _add_logger(logger: Any, method: str, line: Line) -> Line:
    """Say who wrote a line that is not ours."""
    record = line.get("_record")
    if record is not None:
        line["logger"] = record.name
    return line


def _add_run(logger: Any, method: str, line: Line) -> Line:
    """Say which job a line of users' code was written by."""
    run = current_run.get()
    if run is not None:
        line["job"], line["task"] = run.job, run.task
    return line


def _add_trace(logger: Any, method: str, line: Line) -> Line:
    """Say which span of OpenTelemetry a line of users' code was written in, where that is used."""
    tracing = sys.modules.get("opentelemetry.trace")
    if tracing is not None:
        span = tracing.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = tracing.format_trace_id(span.trace_id)
            line["span_id"] = tracing.format_span_id(span.span_id)
    return line


def _hide_secrets(logger: Any, method: str, line: Line) -> Line:
    for name, value in line.items():
        if isinstance(value, str) and "://" in value:
            line[name] = hide_passwords(value)
    is_ours = "logger" not in line and current_run.get() is None
    if is_ours or not is_anything_secret():
        return line
    return {
        name: value if name in _NEVER_SECRET else _hidden(value) for name, value in line.items()
    }


_NEVER_SECRET = ("timestamp", "level", "exc_info")
"""What an error says is hidden when it is written."""


def _hidden(value: Any) -> Any:
    """A field of a line of users' code, without secrets."""
    if isinstance(value, str):
        return hide(value)
    if value is None or isinstance(value, bool):
        return value
    told = repr(value)
    shown = hide(told)
    return value if shown == told else shown


def _in_order(logger: Any, method: str, line: Line) -> Line:
    first = {name: line.pop(name) for name in _FIRST if name in line}
    return {**first, **line}
