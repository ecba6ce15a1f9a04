"""Workflows: jobs that wait for each other, and what becomes of who waits when one ends. Pure.

An edge leads from a parent to a job that waits for it. Which jobs go on when a parent succeeds is
plain counting, which the store does; what follows from one that did not succeed is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import JobId, NewJob
from onbeat.domain.states import State

MOST_JOBS = 100_000
"""In one workflow: it is stored in one transaction."""

MOST_NAMED = 3
"""Parents that are named in the reason of a job that waits for them."""


class On(StrEnum):
    """Which end of its parent a job waits for."""

    SUCCESS = "success"
    END = "end"
    """Any: success, failure, cancellation."""


class OnFailure(StrEnum):
    """What becomes of a branch in which a job does not succeed."""

    CONTINUE = "continue"
    """What waits for any end goes on, what waits for success is called off."""
    END = "end"
    """Whatever waits for it is called off, and what waits for that, and so on."""


class Edge(NamedTuple):
    """A job waits for a parent."""

    parent: JobId
    job: JobId
    on: str


class Member(NamedTuple):
    """A job of a workflow that is asked for."""

    job: NewJob
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkflow:
    """A workflow that is asked for."""

    id: JobId
    name: str
    on_failure: OnFailure
    members: Sequence[Member]
    edges: Sequence[Edge]


class WorkflowState(StrEnum):
    """Where a workflow as a whole stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    """All its jobs have ended, and one failed."""
    CANCELLED = "cancelled"
    """All its jobs have ended, none failed, and one was cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A workflow on record, and how far it has come."""

    id: str
    name: str
    on_failure: OnFailure
    total: int
    ended: int
    failed: int
    cancelled: int
    created_at: datetime
    ended_at: datetime | None

    @property
    def state(self) -> WorkflowState:
        """Where it stands as a whole."""
        if self.ended_at is None:
            return WorkflowState.RUNNING
        if self.failed:
            return WorkflowState.FAILED
        return WorkflowState.CANCELLED if self.cancelled else WorkflowState.COMPLETED


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowJob:
    """A job of a workflow, where it stands, and what it waits for."""

    id: JobId
    label: str
    task: str
    state: State
    reason: str | None
    parents: Mapping[str, On]
    """The labels of its parents, and which end of each it waits for."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A parent that has not ended, as who waits for it sees it."""

    id: JobId
    label: str
    state: State
    on: On


@dataclass(frozen=True, slots=True)
class Fallout:
    """What follows where jobs did not succeed."""

    called_off: dict[JobId, JobId] = field(default_factory=dict)
    """Jobs that are called off, each with the one that did not succeed."""
    counted: dict[JobId, int] = field(default_factory=dict)
    """Jobs that go on waiting for others, each with how many of its parents have ended."""


def needs_success(on: str, policy: OnFailure) -> bool:
    """Whether a job cannot go on when its parent did not succeed."""
    return policy is OnFailure.END or on == On.SUCCESS


def fall(
    unsuccessful: Iterable[JobId], edges: Iterable[Edge], waiting: Set[JobId], policy: OnFailure
) -> Fallout:
    """What follows from the ends of `unsuccessful` jobs, for those that are `waiting`.

    Who is called off has ended too, and what waits for that is told apart in the same way.
    """
    below: defaultdict[JobId, list[Edge]] = defaultdict(list)
    for edge in edges:
        below[edge.parent].append(edge)
    called_off: dict[JobId, JobId] = {}
    counted: defaultdict[JobId, int] = defaultdict(int)
    ended = [(job, job) for job in unsuccessful]
    while ended:
        parent, cause = ended.pop()
        for edge in below[parent]:
            if edge.job not in waiting or edge.job in called_off:
                continue
            if needs_success(edge.on, policy):
                called_off[edge.job] = cause
                ended.append((edge.job, cause))
            else:
                counted[edge.job] += 1
    return Fallout(called_off, {job: n for job, n in counted.items() if job not in called_off})


def still_off(
    revived: JobId,
    called_off: Set[JobId],
    edges: Sequence[Edge],
    unsuccessful: Mapping[JobId, JobId],
    policy: OnFailure,
) -> dict[JobId, JobId]:
    """Which of the jobs that were `called_off` because of one that is `revived` stay so, each with
    the other job that is why.

    `edges` are all that lead to them; `unsuccessful` are their parents that ended so, each with the
    one that called it off, or itself.
    """
    below: defaultdict[JobId, list[JobId]] = defaultdict(list)
    stay: dict[JobId, JobId] = {}
    open_again = called_off | {revived}
    for edge in edges:
        if not needs_success(edge.on, policy):
            continue
        below[edge.parent].append(edge.job)
        if edge.parent in unsuccessful and edge.parent not in open_again:
            stay.setdefault(edge.job, unsuccessful[edge.parent])
    found = list(stay)
    while found:
        parent = found.pop()
        for job in below[parent]:
            if job not in stay:
                stay[job] = stay[parent]
                found.append(job)
    return stay


class InvalidStep(InvalidInput):
    """A value of one job of a workflow is wrong; `label` says of which."""

    def __init__(self, label: str, field: str, message: str) -> None:
        super().__init__(field, message)
        self.label = label


def check_graph(labels: Mapping[JobId, str], edges: Sequence[Edge]) -> None:
    """Raise InvalidInput for none, too many, and a circle."""
    if not labels:
        raise InvalidInput("jobs", "the workflow has none; add one with flow.add(task.bind(…))")
    if len(labels) > MOST_JOBS:
        raise InvalidInput(
            "jobs", f"{len(labels):,} in one workflow, at most {MOST_JOBS:,} are taken; let a job "
            "take many of the items, or start several workflows",
        )  # fmt: skip
    if circle := _circle(labels, edges):
        shown = " → ".join(labels[job] for job in circle)
        raise InvalidStep(
            labels[circle[0]], "after",
            f"jobs wait for each other in a circle: {shown}; leave one of these out",
        )  # fmt: skip


def _circle(labels: Mapping[JobId, str], edges: Sequence[Edge]) -> list[JobId]:
    """Jobs that wait for each other, the first again at the end; none where there is no circle."""
    waits_for: defaultdict[JobId, list[JobId]] = defaultdict(list)
    children: defaultdict[JobId, list[JobId]] = defaultdict(list)
    for edge in edges:
        waits_for[edge.job].append(edge.parent)
        children[edge.parent].append(edge.job)
    open_parents = {job: len(waits_for[job]) for job in labels}
    free = [job for job, count in open_parents.items() if count == 0]
    while free:
        for child in children[free.pop()]:
            open_parents[child] -= 1
            if open_parents[child] == 0:
                free.append(child)
    stuck = {job for job, count in open_parents.items() if count}
    return _walk_back(stuck, waits_for) if stuck else []


def _walk_back(stuck: set[JobId], waits_for: Mapping[JobId, list[JobId]]) -> list[JobId]:
    """Every stuck job has a stuck parent: going from one to the next ends in a circle."""
    path = [min(stuck)]
    seen = {path[0]: 0}
    while True:
        parent = next(each for each in waits_for[path[-1]] if each in stuck)
        if parent in seen:
            return [*path[seen[parent] :], parent][::-1]
        seen[parent] = len(path)
        path.append(parent)


def waits_for_text(parents: Sequence[str]) -> str:
    """Why a job is blocked: the labels of its parents."""
    named = ", ".join(parents[:MOST_NAMED])
    more = len(parents) - MOST_NAMED
    return f"waits for {named}" + (f" and {more:,} more" if more > 0 else "")


def called_off_text(label: str, job: JobId, state: State) -> str:
    """Why a job was called off."""
    return f"{label} {state} (job {job}), and it waits for that"
