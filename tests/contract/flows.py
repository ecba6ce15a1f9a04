"""Workflows on a store, in the words of the laws: who waits for whom, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import func, select

from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.states import State
from onbeat.domain.workers import Session
from onbeat.domain.workflows import Edge, Member, NewWorkflow, OnFailure, Workflow
from onbeat.store import ends, jobs, workflows
from onbeat.store.schema import ends as told_ends
from onbeat.store.store import Store
from tests import factories
from tests.contract.world import acked

Waits = Mapping[str, Sequence[str]]
"""The parents of each job by label; one that any end will do for has a `?` behind its label."""


class Flow:
    """A workflow that was stored, by the labels of its jobs."""

    def __init__(self, store: Store, wanted: NewWorkflow) -> None:
        self._store = store
        self.id = wanted.id
        self.jobs = {each.label: each.job.id for each in wanted.members}
        self._labels = {job: label for label, job in self.jobs.items()}

    async def states(self) -> dict[str, State]:
        """Where each job stands."""
        found = await self._store.read(partial(workflows.graph, identity=self.id))
        return {each.label: each.state for each in found}

    async def reason(self, label: str) -> str | None:
        """Why a job stands where it stands."""
        job = self.jobs[label]
        return (await self._store.read(partial(jobs.find, job=job))).reason

    async def show(self) -> Workflow:
        """The workflow as people see it."""
        return await self._store.read(partial(workflows.find, identity=self.id))

    async def run(self, session: Session, **moves: str) -> list[str]:
        """Claim what is pending, end each as said, and follow; the labels of what ran."""
        taken = await claim(self._store, session)
        ran = [self._labels[each.id] for each in taken]
        acks = [
            factories.ack(each, moves.get(label, "complete"))
            for each, label in zip(taken, ran, strict=True)
        ]
        await acked(self._store, *acks)
        await follow(self._store)
        return sorted(ran)


async def started(store: Store, waits: Waits, *, on_failure: str = "continue") -> Flow:
    """Store a workflow."""
    wanted = asked(waits, on_failure=on_failure)
    await store.write(partial(workflows.start, wanted=wanted))
    return Flow(store, wanted)


def asked(waits: Waits, *, on_failure: str = "continue") -> NewWorkflow:
    """A workflow that is asked for."""
    made = {label: factories.job(ties=("ends:",)) for label in waits}
    edges = [
        Edge(made[parent.rstrip("?")].id, made[label].id, "end" if "?" in parent else "success")
        for label, parents in waits.items()
        for parent in parents
    ]
    return NewWorkflow(
        id=factories.new_id(), name="nightly", on_failure=OnFailure(on_failure), edges=edges,
        members=[Member(job, label) for label, job in made.items()],
    )  # fmt: skip


async def claim(store: Store, session: Session) -> list[ClaimedJob]:
    """Claim all that is pending."""
    return await store.claim(session.id, ["default"], 1_000)


async def follow(store: Store) -> int:
    """Follow the ends there are; how many there were."""
    return (await store.write(ends.follow)).count


async def untold(store: Store) -> int:
    """How many ends wait to be followed."""
    return await store.read(
        lambda connection, _: connection.scalar(select(func.count()).select_from(told_ends)) or 0
    )
