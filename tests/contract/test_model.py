"""Random histories of operations, on both engines, against a dictionary that says their sense."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, delete

from onbeat.domain.errors import Conflict
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.jobs import ClaimedJob, JobId
from onbeat.domain.states import FINAL_STATES, State
from onbeat.domain.workers import Session
from onbeat.store import history, job_rows, jobs, listing, queues
from onbeat.store.opening import open_store
from onbeat.store.schema import metadata
from onbeat.store.store import Store
from tests import factories
from tests.contract.model import Known, Model, Standing
from tests.contract.rescue import begin_again, rescue
from tests.contract.world import TERM, begin, cancel
from tests.timing import START, ManualTiming

T = TypeVar("T")

QUEUES = ("a", "b")
DELAYS = st.sampled_from([None, None, None, timedelta(seconds=5), timedelta(minutes=2)])
ASKED = st.sampled_from([["a", "b"], ["b", "a"], ["a"], ["b"], []])


class StoreMachine(RuleBasedStateMachine):
    """Does each thing twice, to the store and to the model, and compares what can be seen."""

    runner: ClassVar[asyncio.Runner]
    store: ClassVar[Store]
    timing: ClassVar[ManualTiming]

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def start_empty(self) -> None:
        self.timing.set(START)
        self.model = Model(START)
        self.claimed: list[ClaimedJob] = []
        self.workers: list[Session] = []
        self.do(self.store.write(wipe))
        self.begin()
        self.enqueue(count=3, queue="a", priority=5, delay=None)

    @rule(
        count=st.integers(1, 4),
        queue=st.sampled_from(QUEUES),
        priority=st.sampled_from([0, 5, 10]),
        delay=DELAYS,
    )
    def enqueue(self, count: int, queue: str, priority: int, delay: timedelta | None) -> None:
        wanted = factories.jobs(count, queue=queue, priority=priority, delay=delay)
        due_at = None if delay is None else self.model.now + delay

        stored = self.do(self.store.enqueue(wanted))

        known = [Known(each.id, queue, priority) for each in wanted]
        assert stored == sum(self.model.enqueue(each, due_at) for each in known)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), delay=DELAYS)
    def enqueue_again(self, data: st.DataObject, delay: timedelta | None) -> None:
        assert self.do(self.store.enqueue([factories.job(id=self.pick(data), delay=delay)])) == 0

    @rule()
    def begin(self) -> None:
        session = self.do(begin(self.store))
        self.workers.append(session)
        self.model.sessions[session.id] = self.model.now + TERM

    @rule(data=st.data(), asked=ASKED, limit=st.integers(1, 4))
    def claim(self, data: st.DataObject, asked: list[str], limit: int) -> None:
        self.take(data.draw(st.sampled_from(self.workers)), asked, limit)

    @rule(move=st.sampled_from(list(factories.ENDS)))
    def work(self, move: str) -> None:
        """What workers mostly do: a live one takes what there is and ends the first of it."""
        if self.workers[-1].id not in self.model.sessions:
            self.begin()
        self.take(self.workers[-1], list(QUEUES), 3)
        held = {job.token for job in self.model.in_state(State.RUNNING)}
        self.send([each for each in self.claimed if each.token in held][:1], [move])

    def take(self, session: Session, asked: list[str], limit: int) -> None:
        expected = self.model.claimable(asked, limit) if session.id in self.model.sessions else []
        before = max((each.token for each in self.claimed), default=0)

        taken = self.do(self.store.claim(session.id, asked, limit))

        assert {each.id for each in taken} == {each.id for each in expected}
        assert all(each.token > before for each in taken)
        self.claimed += taken
        for each in taken:
            self.model.lease(self.model.jobs[each.id], session, each.token)

    @precondition(lambda self: self.claimed)
    @rule(data=st.data(), moves=st.lists(st.sampled_from(list(factories.ENDS)), min_size=1))
    def ack(self, data: st.DataObject, moves: list[str]) -> None:
        """Live tokens, lost ones and such as were acked before, in one batch."""
        held = data.draw(st.lists(st.sampled_from(self.claimed), unique_by=lambda job: job.token))
        self.send(held, moves)

    def send(self, held: list[ClaimedJob], moves: list[str]) -> None:
        wait = timedelta(seconds=10)
        acks = [
            factories.ack(each, move, reason=f"by {move}", delay=wait)
            for each, move in zip(held, moves, strict=False)
        ]

        applied = self.do(self.store.ack(acks))

        assert set(applied) == {
            ack.token
            for ack in acks
            if self.model.ack(ack.token, ack.move, ack.outcome, f"by {ack.move}", wait)
        }

    @rule()
    def begin_all(self) -> None:
        """All that runs and has lost a worker before is told to begin."""
        for job in self.model.in_state(State.RUNNING):
            assert job.token is not None
            assert self.do(begin_again(self.store, job.token))
            job.has_begun = True

    @rule()
    def lose_all(self) -> None:
        """What workers seldom do, and then together: claim what there is, begin, and die."""
        self.work("release")
        self.begin_all()
        self.advance(20)
        self.rescue()
        self.advance(10)
        self.promote(100)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job = self.model.jobs[self.pick(data)]
        has_ended = job.state in FINAL_STATES
        try:
            self.do(cancel(self.store, job.id, "by ann"))
        except Conflict:
            assert has_ended
        else:
            assert not has_ended
        self.model.cancel(job, "by ann")

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def revive(self, data: st.DataObject) -> None:
        job = self.model.jobs[self.pick(data)]
        has_ended = job.state in FINAL_STATES
        try:
            self.do(self.store.write(lambda c, now: jobs.revive(c, now, job.id)))
        except Conflict:
            assert not has_ended
        else:
            assert has_ended
        self.model.revive(job)

    @rule(seconds=st.sampled_from([0.000001, 1, 5, 10, 20]))
    def advance(self, seconds: float) -> None:
        self.model.now = self.timing.advance(seconds=seconds)

    @rule(limit=st.sampled_from([1, 3, 100]))
    def promote(self, limit: int) -> None:
        assert self.do(self.store.promote(limit)).count == self.model.promote(limit)

    @rule(queue=st.sampled_from(QUEUES))
    def pause_or_resume(self, queue: str) -> None:
        if queue in self.model.paused:
            self.do(self.store.write(lambda c, now: queues.resume(c, now, queue)))
        else:
            self.do(self.store.write(lambda c, now: queues.pause(c, now, queue, "ann")))
        self.model.paused ^= {queue}

    @rule(data=st.data())
    def heartbeat(self, data: st.DataObject) -> None:
        session = data.draw(st.sampled_from(self.workers)).id
        held = [job for job in self.model.in_state(State.RUNNING) if job.session == session]

        pulse = self.do(self.store.heartbeat(session, TERM))

        assert pulse.alive == (session in self.model.sessions)
        assert {stop.token for stop in pulse.stops} == {job.token for job in held if job.stop_asked}
        if pulse.alive:
            self.model.sessions[session] = self.model.now + TERM

    @rule()
    def rescue(self) -> None:
        self.do(rescue(self.store))
        self.model.rescue()

    @invariant()
    def what_is_seen_is_what_the_model_says(self) -> None:
        seen = self.do(self.store.read(observe))

        assert seen == {
            job.id: (job.standing(), shown_due(job), 1, job.ended)
            for job in self.model.jobs.values()
        }

    def pick(self, data: st.DataObject) -> JobId:
        return data.draw(st.sampled_from(sorted(self.model.jobs)))


def shown_due(job: Known) -> datetime | None:
    return job.due_at if job.state in (State.SCHEDULED, State.RETRYING) else None


def observe(
    connection: Connection, now: datetime
) -> dict[JobId, tuple[Standing, datetime | None, int, list[str]]]:
    """Of every job: where it stands, until when it waits, in how many places, what ended it."""
    everywhere = [
        row.job
        for table in job_rows.PLACES.values()
        for row in connection.execute(table.select().with_only_columns(table.c.job))
    ]
    return {
        job.id: (
            (job.state, job.attempt, job.reason, job.stop_asked),
            job.due_at,
            everywhere.count(job.id),
            [each.outcome for each in history.list_attempts(connection, now, job.id)],
        )
        for job in listing.list_jobs(connection, now, JobFilter(limit=10_000))
    }


def wipe(connection: Connection, _: datetime) -> None:
    for table in metadata.sorted_tables:
        connection.execute(delete(table))


@contextmanager
def machine_on(url: str, base: type[StoreMachine] = StoreMachine) -> Iterator[type[StoreMachine]]:
    """The machine, with one open store and one loop for all its histories."""
    timing = ManualTiming()
    with asyncio.Runner() as runner:
        store = open_store(url, timing=timing)
        runner.run(store.open())
        fields = {"runner": runner, "store": store, "timing": timing}
        yield type("Machine", (base,), fields)
        runner.run(store.close())


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def test_sqlite_does_what_the_model_does() -> None:
    with machine_on("sqlite:///:memory:") as machine:
        run_state_machine_as_test(machine, settings=bounded(70))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_does_what_the_model_does(database_url: str) -> None:
    with machine_on(database_url) as machine:
        run_state_machine_as_test(machine, settings=bounded(30))
