"""Events as log lines: their names, levels and fields."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from opentelemetry import trace

from onbeat.domain.events import (
    AckRefused,
    AcksDelayed,
    AcksDropped,
    BreakerClosed,
    BreakerOpened,
    ClockLeapt,
    Event,
    JobEnded,
    JobsMoved,
    JobsRemoved,
    JobsRescued,
    JobStarted,
    KeyFailed,
    MessagesDropped,
    MessageSetAside,
    NoticeSent,
    OccurrenceDecided,
    ScheduleBroken,
    SchedulePaused,
    ScheduleRepaired,
    SchedulesReconciled,
    ServiceChanged,
    SessionLost,
    SourceConnected,
    SourceCut,
    SwitchChanged,
    TasksUnknown,
    Ticked,
    ZoneRulesOld,
)
from onbeat.domain.jobs import JobId
from onbeat.domain.services import Status
from onbeat.domain.states import MOVES, Place
from onbeat.domain.url_passwords import hide_passwords
from onbeat.telemetry.happenings import ENDINGS, happening_of
from onbeat.telemetry.logs import LogSubscriber, start_logging

JOB = JobId("0" * 32)
SECOND = timedelta(seconds=1)
DUE = datetime(2027, 3, 1, 9, tzinfo=UTC)


def _ended(move: str, **fields: Any) -> JobEnded:
    return JobEnded(JOB, "charge", 3, 5, fields.pop("outcome", "failed"), move, SECOND, **fields)


LINES: list[tuple[Event, str, str]] = [
    (JobStarted(JOB, "charge", 1), "debug", "job.started"),
    (_ended("complete", outcome="succeeded"), "debug", "job.completed"),
    (_ended("retry"), "warning", "job.retrying"),
    (_ended("bury"), "error", "job.failed"),
    (_ended("snooze"), "debug", "job.snoozed"),
    (_ended("release"), "info", "job.released"),
    (_ended("stop"), "info", "job.cancelled"),
    (AckRefused(7), "warning", "job.ack_refused"),
    (JobsRescued("s", 2, 1), "warning", "jobs.rescued"),
    (AcksDelayed(3, 1, "gone"), "warning", "worker.acks_delayed"),
    (AcksDropped(3, SECOND), "error", "worker.acks_dropped"),
    (SessionLost("s"), "error", "worker.session_lost"),
    (Ticked(1, 0, 2, SECOND), "debug", "scheduler.ticked"),
    (OccurrenceDecided("daily", DUE, "ran", JOB), "debug", "schedule.ran"),
    (OccurrenceDecided("daily", DUE, "late", JOB), "debug", "schedule.late"),
    (OccurrenceDecided("daily", DUE, "skipped"), "info", "schedule.skipped"),
    (OccurrenceDecided("daily", DUE, "missed"), "info", "schedule.missed"),
    (OccurrenceDecided("daily", DUE, "coalesced"), "info", "schedule.coalesced"),
    (ScheduleBroken("daily", "no zone"), "error", "schedule.broken"),
    (SchedulePaused("daily", "3 jobs failed in a row"), "warning", "schedule.paused"),
    (ScheduleRepaired("daily", "its next time was lost", None), "error", "schedule.repaired"),
    (BreakerOpened("stripe", "down", None), "error", "breaker.opened"),
    (BreakerClosed("stripe"), "info", "breaker.closed"),
    (JobsMoved("us", "eu", "checks-eu", 3, "us is empty"), "warning", "jobs.moved"),
    (JobsRemoved("completed", 3), "info", "jobs.removed"),
    (ZoneRulesOld("2026a", "2026b"), "warning", "zones.old"),
    (ClockLeapt(SECOND, SECOND), "warning", "clock.leapt"),
    (SchedulesReconciled(("a",), (), ()), "info", "schedules.reconciled"),
    (SchedulesReconciled((), (), ("a",)), "warning", "schedules.reconciled"),
    (SchedulesReconciled((), (), ()), "debug", "schedules.reconciled"),
    (ServiceChanged("worker", Status.RUNNING), "info", "service.running"),
    (ServiceChanged("worker", Status.ERROR, "boom"), "error", "service.error"),
    (KeyFailed("import", "acme", "boom"), "error", "key.failed"),
    (TasksUnknown(("odd",)), "warning", "tasks.unknown"),
    (NoticeSent("ops", "slack", "n", "sent"), "info", "notice.sent"),
    (NoticeSent("ops", "slack", "n", None, "500"), "warning", "notice.retrying"),
    (NoticeSent("ops", "slack", "n", "failed", "400"), "error", "notice.failed"),
    (SourceConnected("orders", None, True), "info", "source.connected"),
    (SourceConnected("orders", SECOND, False), "info", "source.connected"),
    (SourceConnected("orders", SECOND, True), "warning", "source.connected"),
    (SourceCut("orders", "no connection"), "error", "source.cut"),
    (MessagesDropped("orders", 3, "it ended"), "error", "messages.dropped"),
    (MessageSetAside("orders", "orders.7", "m", "no field"), "warning", "message.set_aside"),
    (SwitchChanged(None), "info", "deadman.pressed"),
    (SwitchChanged("no scheduler is there"), "error", "deadman.released"),
]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where logs go; the root logger is as it was afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers = []
    yield io.StringIO()
    root.handlers = handlers
    root.setLevel(level)


def _start(style: str, level: str, stream: io.StringIO) -> LogSubscriber:
    """Begin logging as a process does: without the handlers that pytest has on the root."""
    logging.getLogger().handlers = []
    return start_logging(style, level, stream)


@pytest.mark.parametrize(("event", "level", "name"), LINES, ids=lambda each: str(each)[:30])
def test_an_event_has_its_level_and_name(event: Event, level: str, name: str) -> None:
    happening = happening_of(event)

    assert (happening.level, happening.name) == (level, name)


def test_a_task_that_is_not_known_is_told_with_what_becomes_of_its_jobs() -> None:
    told = {name: happening_of(TasksUnknown((name,))).fields["then"] for name in ("odd", "shell")}

    assert told["odd"] == "their jobs wait for a worker that knows them"
    assert told["shell"].endswith("enable it with ONBEAT_SHELL=true")


def test_every_event_has_a_line() -> None:
    assert {type(event) for event, _, _ in LINES} == set(get_args(Event))


def test_every_move_that_ends_an_attempt_has_a_line() -> None:
    assert set(ENDINGS) == {move.name for move in MOVES.values() if Place.LEASES in move.leaves}


def test_a_failure_tells_attempt_and_next_try() -> None:
    fields = happening_of(_ended("retry", retry_in=2 * SECOND, reason="ValueError: no")).fields

    assert fields == {
        "job": JOB,
        "task": "charge",
        "attempt": "3/5",
        "duration_s": 1.0,
        "retry_in_s": 2.0,
        "reason": "ValueError: no",
    }


def test_a_moment_that_was_left_out_tells_which_until_when_and_why() -> None:
    missed = OccurrenceDecided("daily", DUE, "missed", None, DUE + 2 * SECOND, "nobody ticked")

    assert happening_of(missed).fields == {
        "schedule": "daily",
        "due_at": "2027-03-01T09:00:00+00:00",
        "through_at": "2027-03-01T09:00:02+00:00",
        "reason": "nobody ticked",
    }


def test_every_event_and_field_is_documented() -> None:
    documented = (Path(__file__).parents[2] / "docs/telemetry.md").read_text()

    for event, level, name in LINES:
        if not name.startswith("service."):
            assert re.search(rf"`{name}`.*\b{level}\b", documented), name
        for field in happening_of(event).fields:
            assert f"`{field}`" in documented, field


def test_below_the_level_nothing_is_written(stream: io.StringIO) -> None:
    emit = _start("json", "warning", stream)

    for event, _, _ in LINES:
        emit(event)

    written = {json.loads(line)["level"] for line in stream.getvalue().splitlines()}
    assert written == {"warning", "error"}


def test_a_task_that_nobody_knows_is_told_of_once(stream: io.StringIO) -> None:
    emit = _start("json", "info", stream)

    for _ in range(3):
        emit(TasksUnknown(("odd",)))

    assert len(stream.getvalue().splitlines()) == 1


def test_users_lines_are_written_the_same_way(stream: io.StringIO) -> None:
    _start("json", "info", stream)

    logging.getLogger("shop").info("hello %s", "you", extra={"order": 4})
    logging.getLogger("shop").debug("not this")

    line = json.loads(stream.getvalue())
    assert (line["event"], line["logger"], line["order"]) == ("hello you", "shop", 4)


def test_users_lines_name_the_span_they_were_written_in(stream: io.StringIO) -> None:
    _start("json", "info", stream)
    context = trace.SpanContext(0xA1, 0xB2, is_remote=False)

    with trace.use_span(trace.NonRecordingSpan(context)):
        logging.getLogger("shop").info("hello")
    logging.getLogger("shop").info("hello")

    within, outside = map(json.loads, stream.getvalue().splitlines())
    assert (within["trace_id"], within["span_id"]) == (f"{0xA1:032x}", f"{0xB2:016x}")
    assert not {"trace_id", "span_id"} & set(outside)


def test_a_root_logger_with_a_handler_keeps_it(stream: io.StringIO) -> None:
    own = io.StringIO()
    logging.getLogger().addHandler(logging.StreamHandler(own))
    start_logging("json", "info", stream)

    logging.getLogger("shop").warning("hello")

    assert (own.getvalue(), stream.getvalue()) == ("hello\n", "")


def test_passwords_are_hidden_in_lines_and_tracebacks(stream: io.StringIO) -> None:
    for style in ("json", "console"):
        emit = _start(style, "info", stream)
        emit(ServiceChanged("worker", Status.ERROR, "postgresql://me:s3cr3t@host/db is gone"))
        try:
            raise ValueError("postgresql://me:s3cr3t@host/db")
        except ValueError:
            logging.getLogger("shop").exception("no")

    assert "s3cr3t" not in stream.getvalue()
    assert stream.getvalue().count("postgresql://me:***@host/db") == 6


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:pw@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:p@w/x:y@host/db", "postgresql://me:***@host/db"),
        ("postgresql://host/db?user=me&password=pw", "postgresql://host/db?user=me&password=***"),
        ("redis://:pw@host", "redis://:***@host"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("sqlite:///onbeat.db", "sqlite:///onbeat.db"),
    ],
)
def test_the_password_of_a_url_is_hidden(url: str, shown: str) -> None:
    assert hide_passwords(url) == shown
