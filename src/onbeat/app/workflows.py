"""Workflows: jobs that wait for each other, built by code and stored together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Generic, Literal, TypeVar, cast

from onbeat.app.call_limits import make_limits_known
from onbeat.app.calls import Call, check_calls
from onbeat.app.context import Context
from onbeat.app.facts.workflows import workflow_data
from onbeat.app.guests import new_ids, topics_of
from onbeat.app.handles import JobHandle
from onbeat.app.looking import looking
from onbeat.app.middleware import before_enqueue
from onbeat.app.results import OfWorkflow, ResultOf
from onbeat.app.sending import check_regions, send
from onbeat.domain.errors import Conflict, InvalidInput
from onbeat.domain.jobs import JobId, NewJob, check_name, check_page, parse_job_id
from onbeat.domain.naming import detail_of
from onbeat.domain.ties import TieKind, tie
from onbeat.domain.workflows import (
    MOST_JOBS,
    Edge,
    InvalidStep,
    Member,
    NewWorkflow,
    On,
    OnFailure,
    Workflow,
    WorkflowJob,
    check_graph,
)
from onbeat.store import workflows as stored
from onbeat.store.sqlite.guests import refuse_inside_open_write
from onbeat.store.wakeups import SCHEDULER, STOPS

R = TypeVar("R")

Ending = Literal["success", "end"]


class Step(OfWorkflow, Generic[R]):
    """A job of a workflow that is being built; its task returns `R`."""

    __slots__ = ("_context", "call", "flow", "id", "label", "waits_for")

    def __init__(self, context: Context, flow: JobId, label: str, call: Call[R]) -> None:
        """Made by `Flow.add`."""
        self._context = context
        self.flow = flow
        self.label = label
        self.call = call
        self.id = new_ids(1)[0]
        """The id of its job."""
        self.waits_for: list[tuple[Step[Any] | str, On]] = []

    def __repr__(self) -> str:
        """Show the label."""
        return f"<Step {self.label}>"

    @property
    def result(self) -> R:
        """What its task will return, to be handed on as an argument of another job, or in a list
        that is one. That job waits for this one's success.
        """
        return cast("R", ResultOf(self.flow, self.id, self.label))

    @property
    def handle(self) -> JobHandle[R]:
        """Its job, once the workflow has been started."""
        return JobHandle(self._context, self.id, self.call.definition)


After = Step[Any] | str | Iterable[Step[Any] | str]

_LEFT_OUT: list[str] = []
"""Nothing is said of what it comes after; a list that turned out empty says that it is nobody."""


class Flow:
    """A workflow that is being built: `add` jobs, then `start`, or leave the `with` block."""

    def __init__(self, context: Context, name: str, on_failure: str) -> None:
        """Made by `Onbeat.workflow`."""
        self._context = context
        self._name = check_name("workflow", name)
        self._on_failure = _read(OnFailure, "on_failure", on_failure)
        self._steps: dict[str, Step[Any]] = {}
        self._counts: dict[str, int] = {}
        self._is_started = False
        self.id = new_ids(1)[0]

    def add(
        self,
        call: Call[R],
        *,
        label: str | None = None,
        after: After = _LEFT_OUT,
        on: Ending = "success",
    ) -> Step[R]:
        """Add a job that waits for those `after` it names, steps or labels, to end so.

        It also waits for the success of the jobs whose results it takes (`task.bind(step.result)`).
        Its label is the task's name unless given, with a number from the second on. Raises
        InvalidInput, InvalidTask for a task of another application, Conflict after the start.
        """
        self._refuse_started()
        check_calls("call", [call])
        if not call.definition.is_elsewhere:
            self._context.registry.check_own(call.definition)
        ending = _read(On, "on", on)
        if ending is On.END and after is _LEFT_OUT:
            raise InvalidInput(
                "on", "'end' says nothing without after; name in after the steps whose end it "
                "waits for, or leave on out: who takes a result waits for success",
            )  # fmt: skip
        step = Step(self._context, self.id, self._label(label, call.definition.name), call)
        if not isinstance(after, Step | str | Iterable):
            raise InvalidInput("after", f"{after!r} is no step; give what flow.add returned")
        listed = [after] if isinstance(after, Step | str) else list(after)
        for parent in listed:
            self._check_parent(parent)
        step.waits_for = [(parent, ending) for parent in listed]
        step.waits_for += [(label, On.SUCCESS) for label in self._check_results(call)]
        self._steps[step.label] = step
        return step

    def chain(
        self, *calls: Call[Any], after: After = (), on: Ending = "success"
    ) -> list[Step[Any]]:
        """Add jobs that run one after the other; the first of them `after` what is named."""
        steps: list[Step[Any]] = []
        for call in calls:
            before = after if not steps else steps[-1]
            steps.append(self.add(call, after=before, on=on))
        return steps

    async def start(self) -> Flow:
        """Store all jobs in one transaction; what waits for nothing may run at once.

        Raises InvalidInput for a label that no job has, jobs that wait for each other in a circle,
        no jobs, or more than 100,000: then nothing is stored. Conflict when it was started before.
        """
        self._refuse_started()
        self._wanted()
        refuse_inside_open_write(self._context.url)
        await self._ask_middleware()
        calls = [step.call for step in self._steps.values()]
        check_regions(self._context, calls)
        wanted = self._wanted()
        await make_limits_known(self._context, calls)
        store = await self._context.store()
        jobs = await send(self._context, calls, [each.job for each in wanted.members])
        sent = [each._replace(job=job) for each, job in zip(wanted.members, jobs, strict=True)]
        wanted = replace(wanted, members=sent)
        queues = await self._context.change(
            "workflow.start", ("workflow", self.id), partial(stored.start, wanted=wanted)
        )
        self._is_started = True
        later = topics_of([each.job for each in wanted.members]) & {SCHEDULER}
        store.wakeups.send(queues | later)
        return self

    def start_blocking(self) -> Flow:
        """The same from code without an event loop."""
        self._refuse_started()
        self._wanted()
        refuse_inside_open_write(self._context.url)
        return self._context.block(self.start)

    async def __aenter__(self) -> Flow:
        """Build it inside the block; it starts at the end."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Start, unless the block failed."""
        if kind is None:
            await self.start()

    async def _ask_middleware(self) -> None:
        """Let the application's middleware see every call that is to be stored."""
        if self._context.middleware:
            steps = list(self._steps.values())
            calls = [step.call for step in steps]
            ids = [step.id for step in steps]
            changed = await before_enqueue(self._context.middleware, calls, ids)
            for step, call in zip(steps, changed, strict=True):
                step.call = call

    def _refuse_started(self) -> None:
        if self._is_started:
            raise Conflict(f"workflow {self._name!r} has been started; build another")

    def _label(self, label: str | None, task: str) -> str:
        if label is not None:
            if check_name("label", label) in self._steps:
                raise InvalidInput("label", f"two jobs are labelled {label!r}; rename one")
            return label
        found = task
        while found in self._steps:
            self._counts[task] = self._counts.get(task, 1) + 1
            found = f"{task}-{self._counts[task]}"
        return found

    def _check_parent(self, parent: object) -> None:
        if isinstance(parent, Step):
            if parent.flow != self.id:
                raise InvalidInput("after", f"{parent.label!r} is a job of another workflow")
        elif not isinstance(parent, str):
            raise InvalidInput("after", f"{parent!r} is no step; give what flow.add returned")

    def _check_results(self, call: Call[Any]) -> list[str]:
        """The labels of the jobs whose results a call takes."""
        for name, result in call.results:
            for each in result if isinstance(result, tuple) else (result,):
                if each.flow != self.id:
                    told = f"{each.label!r} is a job of another workflow, its result is not at hand"
                    raise InvalidInput(name, told)
        limits = call.definition.limits if call.options.limits is None else call.options.limits
        for limit in limits:
            if taken := set(limit.arguments) & {name for name, _ in call.results}:
                told = f"{limit.name!r} is by {min(taken)!r}, a result that is not known yet"
                raise InvalidInput("limits", told)
        return list(dict.fromkeys(each.label for each in call.parents()))

    def _wanted(self) -> NewWorkflow:
        steps = list(self._steps.values())
        edges = [edge for step in steps for edge in self._edges(step)]
        check_graph({step.id: step.label for step in steps}, edges)
        waiting = {edge.job for edge in edges}
        return NewWorkflow(
            id=self.id, name=self._name, on_failure=self._on_failure, edges=edges,
            members=[Member(_job(step, waits=step.id in waiting), step.label) for step in steps],
        )  # fmt: skip

    def _edges(self, step: Step[Any]) -> list[Edge]:
        ons: dict[JobId, On] = {}
        for parent, on in step.waits_for:
            label = parent if isinstance(parent, str) else parent.label
            if (found := self._steps.get(label)) is None:
                told = (
                    f"{step.label!r} waits for {label!r}, and no job of the workflow is labelled so"
                )
                raise InvalidStep(step.label, "after", f"{told}; add that, or leave it out")
            if ons.setdefault(found.id, on) is not on:
                told = (
                    f"{step.label!r} takes the result of {label!r}, which that has only on success"
                )
                remedy = "leave on='end' out for it, or do not take the result"
                raise InvalidStep(step.label, "on", f"{told}; {remedy}")
        return [Edge(parent, step.id, str(on)) for parent, on in ons.items()]


def _job(step: Step[Any], *, waits: bool) -> NewJob:
    options = step.call.options
    if options.clock is not None:
        told = f"{step.label!r}: jobs of a workflow live by no virtual clock"
        raise InvalidStep(step.label, "clock", told)
    if waits and options.delay is not None:
        told = f"{step.label!r} waits for other jobs; give at=…, or let its task snooze"
        raise InvalidStep(step.label, "delay", told)
    try:
        return step.call.member_job(step.id, tie(TieKind.ENDS))
    except InvalidInput as error:
        raise InvalidStep(step.label, error.field, detail_of(error)) from None


Word = TypeVar("Word", On, OnFailure)


def _read(kind: type[Word], field: str, value: str) -> Word:
    try:
        return kind(value)
    except ValueError:
        known = " or ".join(repr(str(each)) for each in kind)
        raise InvalidInput(field, f"{value!r} is not known; give {known}") from None


class Workflows:
    """`ob.workflows`: list them, look at one, call one off."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def find(self, workflow: str) -> Workflow:
        """One workflow and how far it has come. Raises NotFound, InvalidInput."""
        return await self._context.read(partial(stored.find, identity=_read_id(workflow)))

    async def list(
        self, name: str | None = None, *, job: str | None = None, after: str | None = None,
        limit: int = 50,
    ) -> Sequence[Workflow]:  # fmt: skip
        """The newest first, of one name or of all, behind the one `after`; with `job` the one that
        it belongs to. Raises InvalidInput.
        """
        check_page(limit)
        behind = None if after is None else _read_id(after)
        member = None if job is None else parse_job_id(job)
        return await self._context.read(
            partial(stored.list_workflows, name=name, limit=limit, after=behind, job=member)
        )

    async def graph(
        self, workflow: str, *, after: str | None = None, limit: int = MOST_JOBS
    ) -> Sequence[WorkflowJob]:
        """Its jobs in the order they were added, each with its parents; all of them, or a page.

        Raises NotFound, InvalidInput.
        """
        check_page(limit)
        behind = None if after is None else parse_job_id(after, "after")
        return await self._context.read(
            partial(stored.graph, identity=_read_id(workflow), after=behind, limit=limit)
        )

    async def cancel(self, workflow: str, reason: str = "cancelled") -> tuple[int, int]:
        """Call off what waits, ask what runs to stop; how many of each. Raises NotFound, Conflict.

        Nothing of it goes on, also what waits for any end of its parents.
        """
        identity = _read_id(workflow)
        look = looking(partial(stored.find, identity=identity), workflow_data)
        cancelled = partial(stored.cancel, identity=identity, reason=reason)
        done = await self._context.change(
            "workflow.cancel", ("workflow", identity), cancelled, look=look
        )
        (await self._context.store()).wakeups.send([SCHEDULER, STOPS])
        return done


def _read_id(workflow: str) -> JobId:
    return parse_job_id(workflow, "workflow")
