"""Spans of OpenTelemetry, as a collector of OTLP gets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv._incubating.attributes import messaging_attributes

from onbeat import Cancel, JobHandle, Onbeat, Permanent, Retry, Run, Secret, Task, Unique
from onbeat.app.calls import Call
from onbeat.app.middleware import Middleware
from onbeat.telemetry.otel import LONGEST_STATE, OpenTelemetry, _context_in
from tests.telemetry.collector import ENQUEUE, RUN, Collector, attributes, collecting
from tests.telemetry.running import ended, hourly
from tests.waiting import wait_for

ONCE = Retry(1)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ERROR = Status.STATUS_CODE_ERROR


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """A collector of its own."""
    async with collecting() as collector:
        yield collector


def switch_on(ob: Onbeat, collector: Collector, **how: Any) -> None:
    ob.middleware(OpenTelemetry(ob, provider=collector.provider, **how))


def links(run: Span) -> list[tuple[bytes, bytes]]:
    return [(each.trace_id, each.span_id) for each in run.links]


async def test_a_run_is_linked_to_where_its_job_was_asked_for(
    ob: Onbeat, collector: Collector
) -> None:
    switch_on(ob, collector)

    @ob.task
    async def send(to: str) -> None: ...

    job = await send.enqueue("ann@example.com")
    await ended(ob, job)

    (asked,), (run,) = await collector.spans(ENQUEUE), await collector.spans(RUN)
    assert (asked.name, run.name) == ("enqueue default", "run default")
    assert links(run) == [(asked.trace_id, asked.span_id)]
    assert (run.parent_span_id, run.trace_id == asked.trace_id) == (b"", False)
    same = {
        "messaging.system": "onbeat", "messaging.destination.name": "default", "onbeat.task": "send"
    }  # fmt: skip
    assert attributes(asked) == same | {
        "messaging.operation.name": "enqueue", "messaging.operation.type": "send",
        "messaging.message.id": job.id,
    }  # fmt: skip
    assert attributes(run) == same | {
        "messaging.operation.name": "run", "messaging.operation.type": "process",
        "messaging.message.id": job.id, "onbeat.attempt": 1,
    }  # fmt: skip
    assert run.status.code != ERROR


@ON_SQLITE
async def test_with_children_a_run_is_in_the_trace_that_asked_for_it(
    ob: Onbeat, collector: Collector
) -> None:
    switch_on(ob, collector, children=True)

    @ob.task
    async def send() -> None: ...

    tracer = collector.provider.get_tracer("shop")
    with tracer.start_as_current_span("checkout"):
        job = await send.enqueue()
    await ended(ob, job)

    checkout, asked, run = await collector.spans()
    assert checkout.name == "checkout"
    assert asked.parent_span_id == checkout.span_id
    assert run.parent_span_id == asked.span_id
    assert checkout.trace_id == asked.trace_id == run.trace_id
    assert links(run) == []


async def test_each_attempt_has_a_span_and_one_that_failed_says_how(
    ob: Onbeat, collector: Collector
) -> None:
    switch_on(ob, collector)

    @ob.task(retry=Retry(2, base="0s"))
    async def send(run: Run) -> None:
        if run.attempt == 1:
            raise ConnectionError("mail.example.com is out of reach")

    await ended(ob, await send.enqueue())

    failed, done = await collector.spans(RUN)
    assert [attributes(each)["onbeat.attempt"] for each in (failed, done)] == [1, 2]
    assert (failed.status.code, done.status.code == ERROR) == (ERROR, False)
    assert attributes(failed)["error.type"] == "ConnectionError"
    (event,) = failed.events
    said = attributes(event)
    assert (event.name, said["exception.type"]) == ("exception", "ConnectionError")
    assert said["exception.message"] == "mail.example.com is out of reach"
    assert 'raise ConnectionError("mail.example.com' in said["exception.stacktrace"]


@pytest.mark.parametrize("children", [False, True])
async def test_an_attempt_after_the_first_is_linked_to_the_one_before(
    ob: Onbeat, collector: Collector, children: bool
) -> None:
    switch_on(ob, collector, children=children)

    @ob.task(retry=Retry(3, base="0s"))
    async def send(run: Run) -> None:
        if run.attempt < 3:
            raise ConnectionError("mail.example.com is out of reach")

    await ended(ob, await send.enqueue())

    first, second, third = await collector.spans(RUN)
    of_the_job = links(first)
    assert len(of_the_job) == (0 if children else 1)
    assert links(second) == [*of_the_job, (first.trace_id, first.span_id)]
    assert links(third) == [*of_the_job, (second.trace_id, second.span_id)]


def sending(ob: Onbeat) -> Task[[], None, Any]:
    """A task of which the second attempt succeeds."""

    @ob.task(retry=Retry(2, base="500ms", jitter="none"))
    async def send(run: Run) -> None:
        if run.attempt == 1:
            raise ConnectionError("mail.example.com is out of reach")

    return send


async def test_so_is_one_that_another_process_runs(
    ob: Onbeat, collector: Collector, database_url: str
) -> None:
    switch_on(ob, collector)
    job = await sending(ob).enqueue()
    async with ob.running():
        await wait_for(partial(_has_failed_once, ob, job))
    async with Onbeat(database_url) as other:
        switch_on(other, collector)
        sending(other)
        await ended(other, other.jobs.handle(job.id, "send"))

    first, second = await collector.spans(RUN)
    assert links(second) == [*links(first), (first.trace_id, first.span_id)]


async def _has_failed_once(ob: Onbeat, job: JobHandle[Any]) -> bool:
    return len(await ob.jobs.attempts(job.id)) == 1


@ON_SQLITE
async def test_a_line_of_the_task_s_own_is_taken_for_no_span(
    ob: Onbeat, collector: Collector
) -> None:
    switch_on(ob, collector)

    @ob.task
    async def send(run: Run) -> None:
        run.log.info("span", trace_id="wide", span_id=3)

    job = await send.enqueue()
    await ended(ob, job)
    assert [_context_in(each.line.fields) for each in await ob.jobs.log(job.id)] == [None]


async def test_what_is_asked_for_at_once_is_counted_in_a_span_of_them_all(
    ob: Onbeat, collector: Collector
) -> None:
    switch_on(ob, collector)

    @ob.task
    async def send() -> None: ...

    jobs = await ob.enqueue_many([send.bind(), send.bind(), send.opts(queue="mail").bind()])
    both = await ob.enqueue_many([send.bind(), send.bind()])

    mixed, alike = await collector.spans(Span.SPAN_KIND_CLIENT)
    asked = await collector.spans(ENQUEUE)
    assert (mixed.name, attributes(mixed)["messaging.batch.message_count"]) == ("enqueue", 3)
    assert (alike.name, attributes(alike)["messaging.batch.message_count"]) == (
        "enqueue default", 2,
    )  # fmt: skip
    assert [each.name for each in asked[:3]] == ["create default", "create default", "create mail"]
    assert [attributes(each)["messaging.message.id"] for each in asked] == [
        each.id for each in [*jobs, *both]
    ]
    assert [each.parent_span_id for each in asked] == [mixed.span_id] * 3 + [alike.span_id] * 2


@ON_SQLITE
async def test_names_are_those_of_the_conventions(ob: Onbeat, collector: Collector) -> None:
    switch_on(ob, collector)

    @ob.task
    async def send() -> None: ...

    await ob.enqueue_many([send.bind(), send.bind()])
    await ended(ob, await send.enqueue())

    spans = await collector.spans()
    told = {name: value for span in spans for name, value in attributes(span).items()}
    known = {value for name, value in vars(messaging_attributes).items() if name.isupper()}
    assert {name for name in told if name.startswith("messaging.")} <= known
    kinds = {attributes(each)["messaging.operation.type"] for each in spans}
    assert kinds == {"send", "create", "process"}
    assert kinds <= {each.value for each in messaging_attributes.MessagingOperationTypeValues}


async def stop_itself() -> None:
    raise Cancel("not today")


async def give_up() -> None:
    raise Permanent("never")


async def hang() -> None:
    await asyncio.Event().wait()


@ON_SQLITE
@pytest.mark.parametrize(
    ("do", "outcome", "error"),
    [
        (stop_itself, "cancelled", None),
        (give_up, "failed", "Permanent"),
        (hang, "timed out", "TimeoutError"),
    ],
)
async def test_how_an_attempt_ended_is_told(
    ob: Onbeat, collector: Collector, do: Any, outcome: str, error: str | None
) -> None:
    switch_on(ob, collector)
    task = ob.task(timeout="200ms", retry=ONCE)(do)

    await ended(ob, await task.enqueue())

    (run,) = await collector.spans(RUN)
    told = attributes(run)
    assert (told["onbeat.outcome"], told.get("error.type")) == (outcome, error)
    assert (run.status.code == ERROR) == (error is not None)


async def test_no_argument_result_or_secret_is_sent(ob: Onbeat, collector: Collector) -> None:
    switch_on(ob, collector)

    @ob.task(retry=ONCE)
    async def pay(card: Secret[str], amount: str) -> str:
        if amount == "1977":
            raise ValueError(f"{card} was refused")
        return f"result-{amount}"

    for amount in ("1977", "1978"):
        await ended(ob, await pay.enqueue("4242-4242", amount))

    assert len(await collector.spans(RUN)) == 2
    for never in (b"4242-4242", b"1977", b"1978", b"result-"):
        assert never not in collector.raw
    assert b"*** was refused" in collector.raw


async def test_a_run_of_a_schedule_names_it_and_its_moment(
    ob: Onbeat, collector: Collector
) -> None:
    switch_on(ob, collector)

    @ob.task
    async def report() -> None: ...

    when, moment = hourly()
    await ob.schedules.create("nightly", report.bind(), when=when)
    await ended(ob, await ob.schedules.trigger("nightly", at=moment))

    (run,) = await collector.spans()
    told = attributes(run)
    assert told["onbeat.schedule"] == "nightly"
    assert told["onbeat.scheduled_for"] == moment.isoformat()
    assert (links(run), run.parent_span_id) == ([], b"")


async def test_the_trace_goes_with_a_job_however_it_is_asked_for(
    ob: Onbeat, collector: Collector
) -> None:
    switch_on(ob, collector)

    @ob.task
    async def carry(run: Run, number: int) -> dict[str, str]:
        return run.trace

    jobs = [
        await carry.enqueue(1),
        *await ob.enqueue_many([carry.bind(2), carry.opts(delay="0s").bind(3)]),
        await carry.opts(unique=Unique(key="one")).enqueue(4),
        await carry.opts(unique=Unique(key="two", on_conflict="replace")).enqueue(5),
        await carry.opts(priority=9, tags=["a"], owner="ann", start_within="1h").enqueue(6),
        await ob.jobs.enqueue("carry", '{"number": 7}'),
    ]
    flow = ob.workflow("all")
    last = flow.add(carry.bind(8))
    await flow.start()
    async with ob.running():
        carried = [await job.result("20s") for job in jobs]
        carried.append(await last.handle.result("20s"))

    asked = await collector.spans(ENQUEUE)
    assert [each["traceparent"][:-3] for each in carried] == [
        f"00-{each.trace_id.hex()}-{each.span_id.hex()}" for each in asked
    ]


@ON_SQLITE
@pytest.mark.parametrize("kind", ["coroutine", "thread"])
async def test_what_a_task_does_is_within_its_span(
    ob: Onbeat, collector: Collector, kind: str
) -> None:
    switch_on(ob, collector)

    def now_in() -> str:
        return trace.get_current_span().get_span_context().span_id.to_bytes(8, "big").hex()

    @ob.task
    async def coroutine() -> str:
        return now_in()

    @ob.task
    def thread() -> str:
        return now_in()

    job = await (coroutine if kind == "coroutine" else thread).enqueue()
    async with ob.running():
        seen = await job.result("20s")

    (run,) = await collector.spans(RUN)
    assert seen == run.span_id.hex()


class Traced(Middleware):
    """Gives each call the headers of somebody else."""

    def __init__(self, **headers: str) -> None:
        self._headers = headers

    async def enqueue(self, call: Call[Any]) -> Call[Any]:
        """Give them."""
        return call.traced(self._headers)


@ON_SQLITE
async def test_headers_that_are_none_do_not_disturb_a_run(ob: Onbeat, collector: Collector) -> None:
    ob.middleware(Traced(traceparent="00-xyz-1", tracestate="=" * 90))
    switch_on(ob, collector)
    ob.middleware(Traced(traceparent="00-xyz-1", tracestate="=" * 90))

    @ob.task
    async def send() -> str:
        return "sent"

    job = await send.enqueue()
    async with ob.running():
        assert await job.result("20s") == "sent"

    (run,) = await collector.spans(RUN)
    assert links(run) == []


@ON_SQLITE
async def test_a_trace_state_that_is_too_long_is_left_behind(
    ob: Onbeat, collector: Collector
) -> None:
    switch_on(ob, collector)

    @ob.task
    async def carry(run: Run) -> dict[str, str]:
        return run.trace

    long = {f"vendor{n}": "x" * 200 for n in range(1 + LONGEST_STATE // 200)}
    context = trace.SpanContext(
        1, 2, is_remote=True, trace_flags=trace.TraceFlags(1),
        trace_state=trace.TraceState(list(long.items())),
    )  # fmt: skip
    with trace.use_span(trace.NonRecordingSpan(context)):
        job = await carry.enqueue()
    async with ob.running():
        assert list(await job.result("20s")) == ["traceparent"]


@ON_SQLITE
async def test_without_an_sdk_nothing_goes_with_a_job(ob: Onbeat) -> None:
    ob.middleware(OpenTelemetry(ob))

    @ob.task
    async def carry(run: Run) -> str:
        return str(run.options)

    job = await carry.enqueue()
    async with ob.running():
        assert await job.result("20s") == "None"
