"""The process a job runs in: `python -m onbeat.runtime.worker.runners.child SOCKET PARENT`."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib
import inspect
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any, BinaryIO

import msgspec

from onbeat.domain.error_classes import retry_after
from onbeat.domain.errors import UnknownTask
from onbeat.domain.jobs import DEFAULT_PRIORITY, ClaimedJob, JobId
from onbeat.domain.outcomes import Cancel, Snooze
from onbeat.domain.retries import Retry
from onbeat.runtime.capture import CaptureHandler
from onbeat.runtime.lost_errors import log_lost_error
from onbeat.runtime.main_file import main_names
from onbeat.runtime.run import Run, current_run
from onbeat.runtime.tasks import Definition, define
from onbeat.runtime.worker.decoding import decode_for
from onbeat.runtime.worker.executor import failure_of, json_of_result
from onbeat.runtime.worker.runners.messages import (
    Ended,
    Line,
    Order,
    Progress,
    decode_order,
    encode_message,
)
from onbeat.store.column_types import from_micros

SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


class Terminated(SystemExit):
    """Raised in the job when it is to end: what it has to put away, it can, for a moment."""


class Answers:
    """Writes to the worker, and is the keeper of the one run there is."""

    def __init__(self, stream: BinaryIO) -> None:
        """Write to `stream`."""
        self._stream = stream
        self._lock = threading.Lock()
        self.hide: Callable[[str], str] = str
        """Hides the secrets of the job that runs now."""
        self.stands_at: datetime | None = None
        """Where the worker's clock stands, if that is not the machine's."""

    def send(self, message: msgspec.Struct) -> None:
        """Write one line."""
        with self._lock:
            self._stream.write(encode_message(message))
            self._stream.flush()

    def now(self) -> datetime:
        """The worker's time: this machine's, but in tests."""
        return self.stands_at or datetime.now(UTC)

    def monotonic(self) -> float:
        """This machine's monotonic clock."""
        return time.monotonic()

    def is_draining(self) -> bool:
        """Not known here: the worker waits, and sends SIGTERM at the end of its grace."""
        return False

    def told(self, run: Run) -> None:
        """Pass on at once what the run told."""
        _, lines = run.record.take()
        for line in lines:
            self.send(Line(line.level, line.message, line.fields))
        if run.record.told and run.record.progress is not None:
            run.record.told = False
            self.send(Progress(run.record.progress, run.record.note))


def main() -> None:
    """Serve orders until the socket closes."""
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    connection = socket.socket(fileno=descriptor)
    _die_with(parent)
    logging.getLogger().addHandler(CaptureHandler())
    logging.getLogger().setLevel(logging.INFO)
    orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
    reader = connection.makefile("rb")
    threading.Thread(target=_listen, args=(reader, orders), daemon=True).start()
    answers = Answers(connection.makefile("wb"))
    while True:
        _serve(orders.get(), answers)


def _listen(stream: BinaryIO, orders: queue.SimpleQueue[Order]) -> None:
    """Take orders; when the worker is gone, kill everything this process has started, and it."""
    with contextlib.suppress(OSError):
        for line in stream:
            orders.put(decode_order(line))
    os.killpg(0, signal.SIGKILL)


def _die_with(parent: int) -> None:
    """Have the kernel tell us when the worker dies; the guard stands behind it (process.py)."""

    def heed(*_: object) -> None:
        if os.getppid() != parent:
            os.killpg(0, signal.SIGKILL)
        raise Terminated("the job was asked to end")

    signal.signal(signal.SIGTERM, heed)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        os.killpg(0, signal.SIGKILL)


def _serve(order: Order, answers: Answers) -> None:
    answers.hide = str
    try:
        # A context of its own for each job, as in the worker itself.
        answers.send(copy_context().run(_perform, order, answers))
    except Snooze as asked:
        reason = answers.hide(asked.reason)
        answers.send(Ended("snoozed", delay=asked.delay.total_seconds(), message=reason))
    except Cancel as asked:
        answers.send(Ended("cancelled", message=answers.hide(asked.reason)))
    except BaseException as error:
        answers.send(_raised(error, answers.hide, answers.now()))


def _perform(order: Order, answers: Answers) -> Ended:
    definition = _find(order)
    job = ClaimedJob(
        id=JobId(order.job), token=order.token, task=order.task, queue=order.queue,
        attempt=order.attempt, max_attempts=order.max_attempts, args="",
        occurrence_at=order.occurrence_at,
    )  # fmt: skip
    deadline = None if order.seconds is None else time.monotonic() + order.seconds
    answers.stands_at = None if order.stands_at is None else from_micros(order.stands_at)
    # What is cut here because it is long must not leave half of a secret.
    run = Run(job, deadline, answers, definition.arguments.scrub(bytes(order.args)))
    answers.hide = run.hide
    current_run.set(run)
    kwargs = decode_for(run, definition.arguments, bytes(order.args))
    arguments = (run,) if definition.wants_run else ()
    result = definition.function(*arguments, **kwargs)
    if inspect.iscoroutine(result):
        with asyncio.Runner() as runner:
            runner.get_loop().set_exception_handler(log_lost_error)
            result = runner.run(result)
    # Here and not in the worker, which does not know what this process has made.
    told = run.hide_in_json(json_of_result(result, definition, order.max_payload))
    return Ended("returned", msgspec.Raw(told.encode()))


def _find(order: Order) -> Definition:
    """The task, by the place its function was written at; what is there may be the function."""
    for entry in order.path:
        if entry not in sys.path:
            sys.path.append(entry)
    found: Any = main_names(order.main) if order.main else importlib.import_module(order.module)
    for part in order.name.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
    definition = getattr(found, "definition", None)
    if isinstance(definition, Definition):
        return definition
    if not inspect.isfunction(found):
        raise UnknownTask(f"{order.module}.{order.name} is not a task in the job's process")
    return define(
        found, name=order.task, queue=order.queue, priority=DEFAULT_PRIORITY, timeout=None,
        retry=Retry(), isolate="process",
    )  # fmt: skip


def _raised(error: BaseException, hide: Callable[[str], str], now: datetime) -> Ended:
    failure = failure_of(error, hide)
    wait = retry_after(error, now)
    return Ended(
        "raised",
        module=type(error).__module__,
        kind=type(error).__name__,
        message=failure.message,
        traceback=failure.traceback,
        retry_after=None if wait is None else wait.total_seconds(),
    )


if __name__ == "__main__":
    main()
