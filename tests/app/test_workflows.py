"""Workflows as a user builds them: what runs in which order, what is handed on, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from onbeat import (
    Call,
    Conflict,
    Flow,
    InvalidArguments,
    InvalidInput,
    InvalidTask,
    JobFailed,
    Limit,
    Middleware,
    NotFound,
    Onbeat,
    Retry,
    Run,
    Secret,
    Settings,
    State,
    WorkflowState,
    every,
)
from tests.waiting import wait_for

SOON = "20s"


@dataclass
class Rows:
    """What a task returns."""

    source: str
    count: int


def app_tasks(ob: Onbeat) -> dict[str, Any]:
    @ob.task
    async def extract(source: str) -> Rows:
        return Rows(source, len(source))

    @ob.task
    def merge(parts: list[Rows], extra: int = 0) -> int:
        assert all(isinstance(each, Rows) for each in parts)
        return sum(each.count for each in parts) + extra

    @ob.task
    async def double(number: int) -> int:
        return 2 * number

    @ob.task
    async def fail() -> int:
        raise ValueError("no")

    @ob.task
    async def tidy() -> str:
        return "tidy"

    return {each.name: each for each in (extract, merge, double, fail, tidy)}


async def ended(ob: Onbeat, flow: Flow) -> WorkflowState:
    """Wait for the end of a workflow."""

    async def is_over() -> bool:
        return (await ob.workflows.find(flow.id)).ended_at is not None

    await wait_for(is_over, 20, "the end of the workflow")
    return (await ob.workflows.find(flow.id)).state


async def test_results_are_handed_on_as_the_types_they_are_taken_as(ob: Onbeat) -> None:
    task = app_tasks(ob)
    async with ob.workflow("nightly") as flow:
        parts = [flow.add(task["extract"].bind(source)) for source in ("ab", "cde")]
        merged = flow.add(task["merge"].bind([each.result for each in parts], extra=1))
        last = flow.add(task["double"].bind(merged.result))

    async with ob.running():
        assert await last.handle.result(SOON) == 12
    assert await ended(ob, flow) is WorkflowState.COMPLETED


async def test_a_chain_runs_in_its_order(ob: Onbeat) -> None:
    order: list[int] = []

    @ob.task
    async def note(number: int) -> None:
        order.append(number)

    async with ob.workflow("chain") as flow:
        steps = flow.chain(*(note.bind(number) for number in range(20)))

    async with ob.running():
        await steps[-1].handle.result(SOON)
    assert order == list(range(20))


async def test_a_result_that_is_nothing_is_handed_on_as_none(ob: Onbeat) -> None:
    @ob.task
    async def nothing() -> None: ...

    @ob.task
    async def take(value: int | None) -> bool:
        return value is None

    flow = ob.workflow("none")
    step = flow.add(nothing.bind())
    last = flow.add(take.bind(step.result))
    await flow.start()

    async with ob.running():
        assert await last.handle.result(SOON) is True


async def test_a_failed_branch_is_called_off_and_tidied_up_after(ob: Onbeat) -> None:
    task = app_tasks(ob)
    async with ob.workflow("nightly") as flow:
        bad = flow.add(task["fail"].opts(retry=Retry(1)).bind())
        needs = flow.add(task["double"].bind(bad.result))
        after = flow.add(task["tidy"].bind(), after=[bad, needs], on="end")

    async with ob.running():
        assert await after.handle.result(SOON) == "tidy"
    with pytest.raises(JobFailed, match=f"fail failed .job {bad.id}., and it waits for that"):
        await needs.handle.result(SOON)
    assert await ended(ob, flow) is WorkflowState.FAILED


async def test_labels_are_told_apart_by_numbers(ob: Onbeat) -> None:
    task = app_tasks(ob)
    flow = ob.workflow("w")

    labels = [flow.add(task["tidy"].bind(), label=label).label for label in (None, "tidy-2", None)]

    assert labels == ["tidy", "tidy-2", "tidy-3"]


async def test_the_graph_is_listed_with_what_each_waits_for(ob: Onbeat) -> None:
    task = app_tasks(ob)
    async with ob.workflow("nightly") as flow:
        a = flow.add(task["tidy"].bind(), label="a")
        flow.add(task["tidy"].bind(), label="b", after="c", on="end")
        flow.add(task["tidy"].bind(), label="c", after=a)

    found = await ob.workflows.graph(flow.id)

    assert [(each.label, each.state, dict(each.parents)) for each in found] == [
        ("a", State.PENDING, {}),
        ("b", State.BLOCKED, {"c": "end"}),
        ("c", State.BLOCKED, {"a": "success"}),
    ]
    [listed] = await ob.workflows.list("nightly")
    assert (listed.id, listed.total, listed.state) == (flow.id, 3, WorkflowState.RUNNING)


async def test_a_job_may_have_a_moment_of_its_own_beside_its_parents(ob: Onbeat) -> None:
    task = app_tasks(ob)
    late = datetime(2090, 1, 1, tzinfo=UTC)
    async with ob.workflow("nightly") as flow:
        a = flow.add(task["tidy"].bind())
        b = flow.add(task["tidy"].opts(at=late).bind(), after=a)

    async with ob.running():
        await a.handle.result(SOON)

        async def is_scheduled() -> bool:
            return (await b.handle.show()).state is State.SCHEDULED

        await wait_for(is_scheduled, 20)
    assert (await b.handle.show()).due_at == late


Build = Callable[[Onbeat, dict[str, Any], Flow], object]

REFUSED: dict[str, tuple[str, str, Build]] = {
    "no jobs": ("jobs", "add one", lambda ob, task, flow: None),
    "an unknown parent": (
        "after", "'gone'",
        lambda ob, task, flow: flow.add(task["tidy"].bind(), after="gone"),
    ),
    "a circle": (
        "after", "a → b → a|b → a → b",
        lambda ob, task, flow: [
            flow.add(task["tidy"].bind(), label="a", after="b"),
            flow.add(task["tidy"].bind(), label="b", after="a"),
        ],
    ),
    "itself": (
        "after", "a → a",
        lambda ob, task, flow: flow.add(task["tidy"].bind(), label="a", after="a"),
    ),
    "a label twice": (
        "label", "'a'",
        lambda ob, task, flow: [flow.add(task["tidy"].bind(), label="a") for _ in range(2)],
    ),
    "a parent elsewhere": (
        "after", "another workflow",
        lambda ob, task, flow: flow.add(
            task["tidy"].bind(), after=ob.workflow("other").add(task["tidy"].bind())
        ),
    ),
    "a result from elsewhere": (
        "number", "another workflow",
        lambda ob, task, flow: flow.add(
            task["double"].bind(ob.workflow("other").add(task["double"].bind(1)).result)
        ),
    ),
    "no parent at all": (
        "after", "42", lambda ob, task, flow: flow.add(task["tidy"].bind(), after=[42]),  # type: ignore[list-item]
    ),
    "another end": (
        "on", "'success' or 'end'",
        lambda ob, task, flow: flow.add(task["tidy"].bind(), on="any"),  # type: ignore[arg-type]
    ),
    "a result that may not be": (
        "on", "only on success",
        lambda ob, task, flow: [
            step := flow.add(task["double"].bind(1)),
            flow.add(task["double"].bind(step.result), after=step, on="end"),
        ],
    ),
    "a delay after parents": (
        "delay", "at=",
        lambda ob, task, flow: flow.chain(
            task["tidy"].bind(), task["tidy"].opts(delay="1s").bind()
        ),
    ),
    "a clock": (
        "clock", "virtual",
        lambda ob, task, flow: flow.add(task["tidy"].opts(clock="game").bind()),
    ),
    "a limit by a result": (
        "limits", "'number'",
        lambda ob, task, flow: flow.add(
            task["double"].opts(limits=Limit("calls", by="number", concurrency=1)).bind(
                flow.add(task["double"].bind(1)).result
            )
        ),
    ),
    "a mixed list": (
        "parts", "results alone",
        lambda ob, task, flow: flow.add(
            task["merge"].bind([flow.add(task["extract"].bind("a")).result, Rows("b", 1)])
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_is_refused_by_name_and_leaves_nothing(ob: Onbeat, case: str) -> None:
    task = app_tasks(ob)
    field, told, build = REFUSED[case]

    async def start() -> None:
        async with ob.workflow("w") as flow:
            build(ob, task, flow)

    with pytest.raises(InvalidInput, match=told) as refused:
        await start()

    assert refused.value.field == field
    assert await ob.workflows.list() == []
    assert await ob.jobs.list() == []


async def test_more_jobs_than_can_be_stored_at_once_are_refused(ob: Onbeat) -> None:
    call = app_tasks(ob)["tidy"].bind()
    flow = ob.workflow("w")
    for _ in range(100_001):
        flow.add(call)

    with pytest.raises(InvalidInput, match="100,001 in one workflow, at most 100,000"):
        await flow.start()
    assert await ob.jobs.list() == []


async def test_a_block_that_fails_starts_nothing(ob: Onbeat) -> None:
    task = app_tasks(ob)

    async def build() -> None:
        async with ob.workflow("w") as flow:
            flow.add(task["tidy"].bind())
            raise LookupError

    with pytest.raises(LookupError):
        await build()
    assert await ob.jobs.list() == []


async def test_middleware_sees_every_job_of_a_workflow(ob: Onbeat) -> None:
    seen: list[dict[str, Any]] = []

    class Urgent(Middleware):
        async def enqueue(self, call: Call[Any]) -> Call[Any]:
            seen.append(call.arguments())
            return call.opts(priority=9)

    ob.middleware(Urgent())
    task = app_tasks(ob)
    async with ob.workflow("w") as flow:
        first = flow.add(task["double"].bind(1))
        second = flow.add(task["double"].bind(first.result))

    assert seen == [{"number": 1}, {}]
    assert (await second.handle.show()).priority == 9
    async with ob.running():
        assert await second.handle.result(SOON) == 4


async def test_a_result_that_is_secret_where_it_is_taken_stays_so(ob: Onbeat) -> None:
    @ob.task
    async def make_key() -> str:
        return "hush-hush-hush"

    @ob.task
    async def use(run: Run, key: Secret[str]) -> None:
        run.log.info(f"used {key}")

    async with ob.workflow("w") as flow:
        used = flow.add(use.bind(flow.add(make_key.bind()).result))
    async with ob.running():
        await used.handle.result(SOON)

    [line] = await ob.jobs.log(used.id)
    assert "hush" not in line.line.message


async def test_a_workflow_is_started_once(ob: Onbeat) -> None:
    task = app_tasks(ob)
    flow = ob.workflow("w")
    flow.add(task["tidy"].bind())
    await flow.start()

    with pytest.raises(Conflict, match="has been started"):
        await flow.start()
    with pytest.raises(Conflict, match="has been started"):
        flow.add(task["tidy"].bind())


async def test_a_policy_that_is_not_known_is_refused(ob: Onbeat) -> None:
    unknown: Any = "retry"
    with pytest.raises(InvalidInput, match="on_failure: 'retry' is not known"):
        ob.workflow("w", on_failure=unknown)


async def test_a_task_of_another_application_is_refused(ob: Onbeat) -> None:
    elsewhere = Onbeat("sqlite://", settings=Settings()).task(name="far")(_far)

    with pytest.raises(InvalidTask, match="another application"):
        ob.workflow("w").add(elsewhere.bind())


async def _far() -> None: ...


async def test_a_result_is_taken_by_jobs_of_its_workflow_alone(ob: Onbeat) -> None:
    task = app_tasks(ob)
    step = ob.workflow("w").add(task["double"].bind(1))

    with pytest.raises(InvalidArguments, match="number: it is the result of a job of a workflow"):
        await task["double"].enqueue(step.result)
    with pytest.raises(InvalidArguments, match="number: it is the result of a job of a workflow"):
        await ob.schedules.create("s", task["double"].bind(step.result), every("1m"))


@pytest.mark.parametrize("use", [lambda r: f"{r}", bool, list], ids=["text", "truth", "items"])
async def test_a_result_cannot_be_looked_at_before_it_is_there(
    ob: Onbeat, use: Callable[[object], object]
) -> None:
    step = ob.workflow("w").add(app_tasks(ob)["double"].bind(1))

    with pytest.raises(InvalidInput, match="is not known before it has run"):
        use(step.result)


async def test_other_arguments_are_checked_beside_results(ob: Onbeat) -> None:
    task = app_tasks(ob)
    step = ob.workflow("w").add(task["extract"].bind("a"))

    with pytest.raises(InvalidArguments, match="extra"):
        task["merge"].bind([step.result], extra="many")


async def test_a_result_of_another_type_fails_the_job_that_takes_it(ob: Onbeat) -> None:
    @ob.task
    async def text() -> Any:
        return "seven"

    task = app_tasks(ob)
    async with ob.workflow("w") as flow:
        step = flow.add(text.bind())
        taker = flow.add(task["double"].opts(retry=Retry(1)).bind(step.result))

    async with ob.running():
        with pytest.raises(JobFailed, match="Expected `int`, got `str`"):
            await taker.handle.result(SOON)


async def test_a_workflow_is_cancelled(ob: Onbeat) -> None:
    task = app_tasks(ob)
    async with ob.workflow("w") as flow:
        flow.chain(task["tidy"].bind(), task["tidy"].bind())

    assert await ob.workflows.cancel(flow.id, "by ann") == (2, 0)
    async with ob.running():
        assert await ended(ob, flow) is WorkflowState.CANCELLED


async def test_a_workflow_that_is_not_there_is_told(ob: Onbeat) -> None:
    with pytest.raises(NotFound, match="no workflow"):
        await ob.workflows.find("0" * 32)
    with pytest.raises(InvalidInput, match="workflow: 'x' is not a workflow id"):
        await ob.workflows.find("x")


def test_a_workflow_is_started_without_a_loop(blocking_ob: Onbeat) -> None:
    task = app_tasks(blocking_ob)
    flow = blocking_ob.workflow("w")
    step = flow.add(task["tidy"].bind())

    flow.start_blocking()

    assert step.handle.show_blocking().state is State.PENDING
