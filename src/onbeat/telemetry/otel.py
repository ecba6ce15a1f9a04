"""Spans of OpenTelemetry, from where a job is asked for to its runs.

Switched on by `ob.middleware(OpenTelemetry(ob))`. Of OpenTelemetry the API alone is used (extra
`otel`): without an SDK that the program sets up, nothing is recorded and nothing is stored. Names
follow the conventions for messaging of semconv 1.44, which are still in development; this module is
the one place that knows them.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final, TypeVar

import msgspec
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TracerProvider,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from onbeat import __version__
from onbeat.app.calls import Call
from onbeat.app.middleware import Middleware
from onbeat.app.onbeat import Onbeat
from onbeat.domain.errors import NotFound, StoreError
from onbeat.domain.jobs import JobId
from onbeat.domain.outcomes import Ack
from onbeat.runtime.run import Run
from onbeat.runtime.tasks import Proceed
from onbeat.telemetry.ends import end_of
from onbeat.telemetry.origins import schedule_name_of

R = TypeVar("R")

SYSTEM: Final = "onbeat"
LONGEST_STATE: Final = 512
"""Characters of `tracestate` that are carried; W3C's Trace Context §3.3.1.5 asks for no more."""

_w3c = TraceContextTextMapPropagator()


MOST_RECENT: Final = 1_000
"""Spans of attempts that did not succeed, as each process remembers them."""

TOLD: Final = "span"
"""The line in the log of an attempt that did not succeed, which says what the next links to."""


class OpenTelemetry(Middleware):
    """A span where a job is asked for, and one for each of its attempts.

    Their context goes with the job in W3C's headers. A run is the root of a trace of its own,
    linked to where its job was asked for; with `children=True` it is a child of that instead. From
    the second attempt on it is linked to the one before. No argument and no result of a job is in a
    span.
    """

    def __init__(
        self, ob: Onbeat, *, children: bool = False, provider: TracerProvider | None = None
    ) -> None:
        """Tell of what `ob` does through `provider`, or what OpenTelemetry has been set up with."""
        self._ob = ob
        self._children = children
        self._recent: OrderedDict[tuple[JobId, int], SpanContext] = OrderedDict()
        """Of attempts that did not succeed here: what they log may be stored a moment later than
        the next one begins.
        """
        self._tracer = trace.get_tracer("onbeat", __version__, provider)

    async def enqueue(self, call: Call[R]) -> Call[R]:
        """Give the call the trace that it is asked for in."""
        return self._asked(call, "enqueue", "send")

    async def enqueue_many(self, calls: list[Call[R]]) -> list[Call[R]]:
        """The same for each, within a span of them all."""
        if len(calls) < 2:
            return [await self.enqueue(call) for call in calls]
        queues = {_queue(call) for call in calls}
        said = _said("enqueue", "send", queues.pop() if len(queues) == 1 else None)
        with self._tracer.start_as_current_span(
            _name(said), kind=SpanKind.CLIENT,
            attributes={**said, "messaging.batch.message_count": len(calls)},
        ):  # fmt: skip
            return [self._asked(call, "create", "create") for call in calls]

    def _asked(self, call: Call[R], name: str, kind: str) -> Call[R]:
        said = _said(name, kind, _queue(call)) | {"onbeat.task": call.task}
        if call.job is not None:
            said["messaging.message.id"] = call.job
        span = self._tracer.start_span(_name(said), kind=SpanKind.PRODUCER, attributes=said)
        headers: dict[str, str] = {}
        _w3c.inject(headers, trace.set_span_in_context(span))
        span.end()
        if len(headers.get("tracestate", "")) > LONGEST_STATE:
            del headers["tracestate"]
        return call.traced(headers) if headers else call

    async def run(self, run: Run, proceed: Proceed) -> Any:
        """Run the task within a span."""
        asked_in = _w3c.extract(run.trace, Context())
        origin = trace.get_current_span(asked_in).get_span_context()
        said = _said("run", "process", run.queue) | {"onbeat.task": run.task}
        with self._tracer.start_as_current_span(
            _name(said),
            context=asked_in if self._children else Context(),
            kind=SpanKind.CONSUMER,
            attributes=said,
            links=[Link(origin)] if origin.is_valid and not self._children else [],
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            if span.is_recording():
                await self._describe(span, run)
            return await self._told(span, run, proceed)

    async def _told(self, span: Span, run: Run, proceed: Proceed) -> Any:
        try:
            return await proceed()
        except BaseException as error:
            if span.is_recording():
                _tell(span, end_of(self._ob.registry, run, error))
                self._leave_word(run, span.get_span_context())
            raise

    async def _describe(self, span: Span, run: Run) -> None:
        span.set_attribute("messaging.message.id", run.job)
        span.set_attribute("onbeat.attempt", run.attempt)
        if run.attempt > 1:
            before = await self._before(run)
            if before is not None:
                span.add_link(before)
        if run.occurrence_at is None:
            return
        span.set_attribute("onbeat.scheduled_for", run.occurrence_at.isoformat())
        schedule = await schedule_name_of(self._ob, run)
        if schedule is not None:
            span.set_attribute("onbeat.schedule", schedule)

    def _leave_word(self, run: Run, span: SpanContext) -> None:
        """Say in the attempt's log which span it had, for the next one, and for who reads it."""
        if not span.trace_flags.sampled:
            return
        self._recent[run.job, run.attempt] = span
        if len(self._recent) > MOST_RECENT:
            self._recent.popitem(last=False)
        run.log.debug(TOLD, trace_id=f"{span.trace_id:032x}", span_id=f"{span.span_id:016x}")

    async def _before(self, run: Run) -> SpanContext | None:
        """The span of the attempt before, in one read at most; None where none told of one."""
        here = self._recent.pop((run.job, run.attempt - 1), None)
        if here is not None:
            return here
        try:
            lines = await self._ob.jobs.log(run.job)
        except (StoreError, NotFound):
            return None
        told = next((each.line for each in reversed(lines) if each.line.message == TOLD), None)
        return None if told is None else _context_in(told.fields)


class _Ids(msgspec.Struct):
    """What a line TOLD says."""

    trace_id: str
    span_id: str


def _context_in(fields: str) -> SpanContext | None:
    """The context that such a line names; None where a task's own line says the same word."""
    try:
        told = msgspec.json.decode(fields, type=_Ids)
        ids = int(told.trace_id, 16), int(told.span_id, 16)
    except (msgspec.ValidationError, ValueError):
        return None
    # Only a span that is sampled tells of itself.
    found = SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return found if found.is_valid else None


def _queue(call: Call[Any]) -> str:
    return call.options.queue or call.definition.queue


def _said(name: str, kind: str, queue: str | None) -> dict[str, str]:
    """What the conventions say of an operation; `queue` where it is of one alone."""
    said = {
        "messaging.system": SYSTEM,
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
    }
    return said if queue is None else {**said, "messaging.destination.name": queue}


def _name(said: dict[str, str]) -> str:
    """The span's: the operation and where to."""
    return " ".join(
        said[each] for each in ("messaging.operation.name", "messaging.destination.name")
        if each in said
    )  # fmt: skip


def _tell(span: Span, end: Ack) -> None:
    """How an attempt ended that did not succeed; what it says is hidden and cut as on record."""
    span.set_attribute("onbeat.outcome", end.outcome)
    if end.failure is None:
        return
    span.set_attribute("error.type", end.failure.type)
    said = {
        "exception.type": end.failure.type,
        "exception.message": end.failure.message,
        "exception.stacktrace": end.failure.traceback or "",
    }
    span.add_event("exception", said)
    span.set_status(Status(StatusCode.ERROR, end.reason))
