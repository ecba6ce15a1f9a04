"""Spans of OpenTelemetry, from where a job is asked for to its runs.

Switched on by `ob.middleware(OpenTelemetry(ob))`. Of OpenTelemetry the API alone is used (extra
`otel`): without an SDK that the program sets up, nothing is recorded and nothing is stored. Names
follow the conventions for messaging of semconv 1.44, which are still in development; this module is
the one place that knows them.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from onbeat import __version__
from onbeat.app.calls import Call
from onbeat.app.middleware import Middleware
from onbeat.app.onbeat import Onbeat
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


class OpenTelemetry(Middleware):
    """A span where a job is asked for, and one for each of its attempts.

    Their context goes with the job in W3C's headers. A run is the root of a trace of its own,
    linked to where its job was asked for; with `children=True` it is a child of that instead. No
    argument and no result of a job is in a span.
    """

    def __init__(
        self, ob: Onbeat, *, children: bool = False, provider: TracerProvider | None = None
    ) -> None:
        """Tell of what `ob` does through `provider`, or what OpenTelemetry has been set up with."""
        self._ob = ob
        self._children = children
        self._tracer = trace.get_tracer("onbeat", __version__, provider)

    async def enqueue(self, call: Call[R]) -> Call[R]:
        """Give the call the trace that it is asked for in."""
        queue = call.options.queue or call.definition.queue
        said = _said("enqueue", "create", queue, call.task)
        span = self._tracer.start_span(f"enqueue {queue}", kind=SpanKind.PRODUCER, attributes=said)
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
        with self._tracer.start_as_current_span(
            f"run {run.queue}",
            context=asked_in if self._children else Context(),
            kind=SpanKind.CONSUMER,
            attributes=_said("run", "process", run.queue, run.task),
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
            raise

    async def _describe(self, span: Span, run: Run) -> None:
        span.set_attribute("messaging.message.id", run.job)
        span.set_attribute("onbeat.attempt", run.attempt)
        if run.occurrence_at is None:
            return
        span.set_attribute("onbeat.scheduled_for", run.occurrence_at.isoformat())
        schedule = await schedule_name_of(self._ob, run)
        if schedule is not None:
            span.set_attribute("onbeat.schedule", schedule)


def _said(name: str, kind: str, queue: str, task: str) -> dict[str, str]:
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": queue,
        "onbeat.task": task,
    }


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
