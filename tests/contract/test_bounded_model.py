"""Random histories of jobs that are bound, on both engines, against a model of slots and keys.

What may begin begins, the most urgent first, and nothing else; a key is refused when it is had, and
only then; and after every step the store keeps its own laws.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from onbeat.domain import breakers as domain
from onbeat.domain.breakers import BreakerState
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.jobs import NewJob
from onbeat.domain.limits import Bounds, read_bounds
from onbeat.domain.recurrence.recurrence import stamp
from onbeat.domain.states import State
from onbeat.domain.ties import TieKind, tie
from onbeat.domain.uniqueness import UniqueKey
from onbeat.store import breakers, deadlines, jobs, keys, limits, replacing
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.bounded_model import (
    OPEN_FOR,
    PROBES,
    THRESHOLD,
    WAITING,
    Allowed,
    Bound,
    BoundedModel,
    Fuse,
)
from tests.contract.test_model import (
    DELAYS,
    QUEUES,
    StoreMachine,
    bounded,
    machine_on,
    shown_due,
    wipe,
)
from tests.contract.test_model import (
    observe as observe_all,
)
from tests.timing import START

BREAKER = "breaker/bank"
NEEDS: list[tuple[str, ...]] = [
    (), (), ("calls:",), ("calls:",), ("tenant:a",), ("tenant:b",), ("calls:", "tenant:a"),
    (f"{BREAKER}:",), (f"{BREAKER}:", "calls:"),
]  # fmt: skip
"""The slots that jobs are under."""

LIMITS = st.sampled_from(["calls", "tenant", "queue/a", "queue/b"])
FIVE = timedelta(seconds=5)
ALLOWED = st.sampled_from([
    Allowed(1), Allowed(2), Allowed(3), Allowed(None, FIVE, 1), Allowed(None, FIVE, 2),
    Allowed(2, FIVE, 3), Allowed(1, timedelta(seconds=1), 1),
])  # fmt: skip

KEYS = st.sampled_from([f"{number:032x}" for number in (1, 2, 3)])
UNTIL = st.sampled_from(["ended", "ended", "begun", "within"])
WITHIN = timedelta(seconds=15)
STARTS = st.sampled_from([None, None, timedelta(seconds=6), timedelta(seconds=20)])


class BoundedMachine(StoreMachine):
    """The same operations, of jobs that are bound, and those that change what binds them."""

    model: BoundedModel
    needs: ClassVar[list[tuple[str, ...]]] = NEEDS

    @initialize()
    def start_empty(self) -> None:
        self.timing.set(START)
        self.model = BoundedModel(START, fuses={BREAKER: Fuse()})
        self.claimed, self.workers = [], []
        self.do(self.store.write(wipe))
        self.begin()
        rule = domain.Rule(THRESHOLD, OPEN_FOR, PROBES)
        self.write(breakers.declare, wanted={"bank": rule}, by="code")
        self.declare("calls", Allowed(2))
        self.declare("tenant", Allowed(1))

    def write(self, work: Any, **asked: Any) -> Any:
        return self.do(self.store.write(partial(work, **asked)))

    # Jobs that are asked for.

    @rule(
        count=st.integers(1, 4),
        queue=st.sampled_from(QUEUES),
        priority=st.sampled_from([0, 5, 10]),
        needs=st.lists(st.sampled_from(NEEDS), min_size=4, max_size=4),
        delay=DELAYS,
    )
    def enqueue(
        self,
        count: int,
        queue: str,
        priority: int,
        needs: list[tuple[str, ...]],
        delay: timedelta | None,
    ) -> None:
        wanted = [
            factories.job(queue=queue, priority=priority, delay=delay, ties=_ties(slots))
            for slots in needs[:count]
        ]
        due_at = None if delay is None else self.model.now + delay

        assert self.do(self.store.enqueue(wanted)) == count

        for each, slots in zip(wanted, needs, strict=False):
            self.model.enqueue(Bound(each.id, queue, priority, slots=slots), due_at)

    @rule(
        wanted=st.lists(
            st.tuples(KEYS, UNTIL, st.sampled_from(NEEDS), STARTS), min_size=1, max_size=3
        ),
        delay=DELAYS,
        priority=st.sampled_from([0, 5, 10]),
    )
    def ask(self, wanted: list[Any], delay: timedelta | None, priority: int) -> None:
        """Ask for unique jobs, some of which must begin in time."""
        pairs = [_keyed(*each, delay=delay, priority=priority) for each in wanted]
        due_at = None if delay is None else self.model.now + delay

        refused = self.do(self.store.enqueue_with_conditions([job for job, _ in pairs]))

        expected = {}
        for job, known in pairs:
            if job.start_within is not None:
                known.start_by = (due_at or self.model.now) + job.start_within
            if (holder := self.model.ask(known, due_at)) is not None:
                expected[job.id] = holder
        assert refused == expected

    @rule(key=KEYS, until=UNTIL, needs=st.sampled_from(NEEDS), delay=DELAYS)
    def replace(
        self, key: str, until: str, needs: tuple[str, ...], delay: timedelta | None
    ) -> None:
        job, known = _keyed(key, until, needs, None, delay=delay, priority=5, replaces=True)
        due_at = None if delay is None else self.model.now + delay

        refused = self.write(replacing.enqueue, wanted=[job])

        holder = self.model.replace(known, due_at)
        assert refused == ({} if holder is None else {job.id: holder})

    @rule(needs=st.sampled_from(NEEDS), start=st.sampled_from([-1, 3, 12]))
    def ask_for_one_by(self, needs: tuple[str, ...], start: int) -> None:
        """Ask for a job that must begin by a moment, which may be over."""
        by = self.model.now + timedelta(seconds=start)
        job = factories.job(queue="a", start_by=by, ties=(*_ties(needs), tie(TieKind.EXPIRES)))

        assert self.do(self.store.enqueue_with_conditions([job])) == {}

        self.model.enqueue(Bound(job.id, "a", 5, slots=needs, start_by=by), None)

    @rule()
    def call_off_overdue(self) -> None:
        count = self.write(deadlines.call_off)

        overdue = self.model.expire()
        assert count == len(overdue)
        for job in overdue:
            assert job.start_by is not None
            reason = f"expired: it had not begun by {stamp(job.start_by)}"
            self.model.cancel(job, reason)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def revive(self, data: st.DataObject) -> None:
        job = self.model.jobs[self.pick(data)]
        may = self.model.may_revive(job)
        try:
            self.write(jobs.revive, job=job.id)
        except Conflict:
            assert not may
        else:
            assert may
        self.model.revive(job)

    @precondition(lambda self: self.model.in_state(State.SCHEDULED, State.RETRYING))
    @rule(data=st.data())
    def hasten(self, data: st.DataObject) -> None:
        waiting = self.model.in_state(State.SCHEDULED, State.RETRYING)
        job = data.draw(st.sampled_from(waiting))

        self.write(jobs.hasten, job=job.id)

        self.model.make_pending(job)

    # What binds them.

    @rule(name=LIMITS, allows=ALLOWED)
    def declare(self, name: str, allows: Allowed) -> None:
        self.write(limits.declare, wanted={name: _bounds(allows)}, by="code")
        self.model.declare(name, allows)

    @rule(name=LIMITS, allows=ALLOWED)
    def set_limit(self, name: str, allows: Allowed) -> None:
        is_known = self.is_known(limits.set_bounds, name=name, bounds=_bounds(allows))
        assert is_known == self.model.set_limit(name, allows)

    @rule(name=LIMITS)
    def reset_limit(self, name: str) -> None:
        assert self.is_known(limits.reset, name=name) == self.model.reset(name)

    def is_known(self, change: Any, **asked: Any) -> bool:
        try:
            self.write(change, by="ann", **asked)
        except NotFound:
            return False
        return True

    @rule()
    def sweep(self) -> None:
        """What nobody needs any more is forgotten, and nothing is changed by that."""
        self.write(limits.sweep)
        self.write(keys.forget_expired)

    @rule(seen=st.lists(st.tuples(st.sampled_from([0, 0, 3, 30]), st.booleans()), max_size=3))
    def observe(self, seen: list[tuple[int, bool]]) -> None:
        told = [(timedelta(seconds=ago), None if well else "boom") for ago, well in seen]

        self.write(breakers.observed, name="bank", seen=told)

        now = self.model.now
        self.model.observe(BREAKER, [(now - timedelta(seconds=ago), well) for ago, well in seen])

    @rule(is_open=st.booleans())
    def decide_by_hand(self, is_open: bool) -> None:
        if is_open:
            self.write(breakers.trip, name="bank", by="ann")
            self.model.trip(BREAKER)
        else:
            self.write(breakers.close, name="bank", by="ann")
            self.model.close(BREAKER)

    # What is seen.

    @invariant()
    def what_is_seen_is_what_the_model_says(self) -> None:
        """Whether a job that lacks a slot stands in the line or beside it is the store's own."""
        seen = self.do(self.store.read(observe_all))
        for job, (standing, *others) in seen.items():
            state, attempt, _, stop = standing
            if state == State.BLOCKED:
                seen[job] = ((State.PENDING, attempt, None, stop), *others)  # type: ignore[assignment]

        assert seen == {
            job.id: (job.standing(), shown_due(job), 1, job.ended)
            for job in self.model.jobs.values()
        }

    @invariant()
    def no_more_run_than_are_allowed(self) -> None:
        """Of those that began since the limit was changed; the store's own counts agree."""
        found = self.do(self.store.read(limits.list_limits))
        used = {each.name: each.used for each in found}
        running = self.model.in_state(State.RUNNING)
        for name in self.model.limits:
            mine = [slot for job in running for slot in self.model.needs(job)]
            assert used[name] == sum(slot.startswith(f"{name}:") for slot in mine)

    @invariant()
    def the_breaker_stands_as_the_model_says(self) -> None:
        found = self.do(self.store.read(partial(breakers.find, name="bank")))
        fuse = self.model.fuses[BREAKER]
        assert (found.standing.counted, found.standing.opened_at) == (fuse.failures, fuse.opened_at)
        is_over = fuse.open_until is not None and fuse.open_until <= self.model.now
        is_open = BreakerState.HALF_OPEN if is_over else BreakerState.OPEN
        assert found.state is (BreakerState.CLOSED if fuse.opened_at is None else is_open)

    @invariant()
    def the_store_keeps_its_laws(self) -> None:
        assert self.do(verify(self.store)).breaches == []

    @rule()
    def let_all_end(self) -> None:
        """When all is let go on, all comes to its end: nobody waits for ever."""
        self.advance(1000)
        for queue in sorted(self.model.paused):
            self.pause_or_resume(queue)
        self.decide_by_hand(is_open=False)
        self.rescue()
        self.call_off_overdue()
        for _ in range(200):
            self.advance(20)
            self.promote(100)
            if not self.model.in_state(State.RUNNING, *WAITING):
                return
            self.begin()
            self.take(self.workers[-1], list(QUEUES), 4)
            running = {job.token for job in self.model.in_state(State.RUNNING)}
            held = [each for each in self.claimed if each.token in running]
            self.send(held, ["complete"] * len(held))
            self.rescue()
        raise AssertionError("some jobs never end")


def _ties(slots: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(tie(TieKind.SLOT, slot) for slot in slots)


def _bounds(allows: Allowed) -> Bounds:
    return read_bounds(**allows.fields)  # type: ignore[arg-type] # by the names of its arguments


def _keyed(
    key: str,
    until: str,
    needs: tuple[str, ...],
    start: timedelta | None,
    *,
    delay: timedelta | None,
    priority: int,
    replaces: bool = False,
) -> tuple[NewJob, Bound]:
    """A unique job, and what the model is to know of it."""
    within = WITHIN if until == "within" else None
    text = {
        "ended": tie(TieKind.UNIQUE, key),
        "begun": tie(TieKind.WAITING, key),
        "within": tie(TieKind.WITHIN, f"{WITHIN // timedelta(microseconds=1)}:{key}"),
    }[until]
    dated = () if start is None else (tie(TieKind.EXPIRES, "1"),)
    job = factories.job(
        queue="a", priority=priority, delay=delay, start_within=start,
        unique=UniqueKey(key, text, within, replaces), ties=(text, *_ties(needs), *dated),
    )  # fmt: skip
    return job, Bound(job.id, "a", priority, slots=needs, key=key, until=until, within=within)


def test_sqlite_does_what_the_model_of_bounds_does() -> None:
    with machine_on("sqlite:///:memory:", BoundedMachine) as machine:
        run_state_machine_as_test(machine, settings=bounded(40))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_does_what_the_model_of_bounds_does(database_url: str) -> None:
    with machine_on(database_url, BoundedMachine) as machine:
        run_state_machine_as_test(machine, settings=bounded(15))
