"""Jobs of all kinds in all states, and what a filter should find among them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from onbeat.domain.job_cursors import Sort
from onbeat.domain.job_filters import JobFilter
from onbeat.domain.jobs import Job, JobId, NewJob
from onbeat.domain.marks import marks
from onbeat.domain.recurrence import every
from onbeat.domain.schedules import Schedule
from onbeat.domain.states import FINAL_STATES, State
from onbeat.domain.workers import Session
from onbeat.runtime.tick import tick
from onbeat.store import jobs
from onbeat.store.schema import jobs as book
from onbeat.store.store import Store
from tests import factories
from tests.contract.beats import change, create
from tests.contract.conditions import ask
from tests.contract.world import acked, begin, claim_one, find
from tests.timing import ManualTiming

TASKS, QUEUES, TAGS, OWNERS = ("bill", "mail"), ("q1", "q2"), ("vip", "eu"), ("ann", "bob")
ERRORS = ("Timeout of stripe", "no such 100%_customer")
MOVES = {
    State.COMPLETED: "complete",
    State.FAILED: "bury",
    State.CANCELLED: "stop",
    State.RETRYING: "retry",
}
LATER = (State.PENDING, State.BLOCKED, State.SCHEDULED)


class Population:
    """Some jobs, made one after the other, a second or more apart; and filters to find them by."""

    schedule: Schedule
    _session: Session

    def __init__(self, store: Store, timing: ManualTiming, luck: random.Random) -> None:
        self._store, self._timing, self._luck = store, timing, luck
        self._ids: list[JobId] = []
        self.jobs: list[Job] = []

    async def make(self, count: int) -> None:
        """Make so many, and some that a schedule makes."""
        self._session = await begin(self._store, timedelta(days=1), queues=QUEUES)
        self.schedule = await create(self._store, recurrence=every("3s"), task="bill", queue="q3")
        await self.make_more(count)

    async def make_more(self, count: int) -> None:
        """Make so many more, while the schedule goes on."""
        held: list[tuple[JobId, State]] = []
        for _ in range(count):
            self._timing.advance(seconds=1)
            await tick(self._store)
            wanted, state = self._wanted(), self._luck.choice(list(State))
            if state in LATER:
                wanted = msgspec.structs.replace(wanted, delay=timedelta(hours=1))
                held.append((wanted.id, state))
            await ask(self._store, wanted)
            self._ids.append(wanted.id)
            if state not in LATER:
                await self._run(wanted, state)
        for job, state in held:
            await self._hold(job, state)

    def _wanted(self) -> NewJob:
        luck = self._luck
        by = marks(luck.sample(TAGS, luck.randrange(3)), luck.choice((*OWNERS, None)))
        args = {"customer": {"id": luck.randrange(3)}, "items": [{"sku": luck.choice("ab")}]}
        return factories.job(
            id=self._store.new_id(), task=luck.choice(TASKS), queue=luck.choice(QUEUES), ties=by,
            is_marked=bool(by), args=msgspec.json.encode(args),
        )  # fmt: skip

    async def _run(self, wanted: NewJob, state: State) -> None:
        claimed = await claim_one(self._store, self._session, wanted.queue)
        if state is State.RUNNING:
            return
        self._timing.advance(seconds=self._luck.randrange(3))
        told = {} if state is State.COMPLETED else {"reason": self._luck.choice(ERRORS)}
        await acked(self._store, factories.ack(claimed, MOVES[state], **told))

    async def _hold(self, job: JobId, state: State) -> None:
        """Bring a job that waits for its time to where it is to stand."""
        if state is not State.SCHEDULED:
            await self._store.write(partial(jobs.hasten, job=job))
        if state is State.BLOCKED:
            await self._store.write(partial(jobs.block, job=job, reason=ERRORS[0]))

    async def change_task(self, task: str) -> None:
        """Let the schedule run another task from now on."""
        self.schedule = await change(self._store, replace(self.schedule, task=task))

    async def look(self) -> None:
        """See each as it stands, by its id."""
        by_schedule = await self._store.read(_of_schedules)
        self.jobs = [await find(self._store, job) for job in (*self._ids, *by_schedule)]

    def any_filter(self) -> JobFilter:
        """A filter of one field or several."""
        luck = self._luck
        sort = luck.choice(list(Sort))
        states = sorted(FINAL_STATES) if sort.is_by_end else list(State)
        moments = sorted(luck.choice(self.jobs).created_at for _ in range(2))
        ways: dict[str, Callable[[], Any]] = {
            "state": lambda: luck.sample(states, luck.randint(1, 3)),
            "task": lambda: luck.sample((*TASKS, "none"), luck.randint(1, 2)),
            "queue": lambda: luck.sample((*QUEUES, "q3"), luck.randint(1, 2)),
            "schedule": lambda: self.schedule.id,
            "name": lambda: luck.sample((*TASKS, self.schedule.name, "none"), luck.randint(1, 2)),
            "search": lambda: luck.choice(("BIL", "ai", self.schedule.name[1:4], "%", "nothing")),
            "search_reasons": lambda: luck.choice((True, False)),
            "tag": lambda: luck.sample(TAGS, luck.randint(1, 2)),
            "owner": lambda: luck.sample(OWNERS, luck.randint(1, 2)),
            "id": lambda: luck.choice(self.jobs).id[: luck.randint(7, 32)],
            "created_since": lambda: moments[0],
            "created_until": lambda: moments[1],
            "finished_since": lambda: moments[0],
            "finished_until": lambda: moments[1],
            "error": lambda: luck.choice(("timeout", "100%_", "STRIPE", "nothing")),
            "args": lambda: luck.choice((
                {"customer.id": 1}, {"items.0.sku": "a"}, {"customer.id": 2, "items.0.sku": "b"},
            )),
        }  # fmt: skip
        chosen = luck.sample(list(ways), luck.randrange(4))
        given = {name: ways[name]() for name in chosen}
        return JobFilter(**given, sort=sort, limit=luck.choice((1, 2, 5, 100)))

    def fitting(self, wanted: JobFilter) -> list[JobId]:
        """What the list should be, from what is known of each job."""
        found = [job for job in self.jobs if self._fits(job, wanted)]
        sort = Sort(wanted.sort)
        if sort.is_by_end:
            found = [job for job in found if job.finished_at is not None]
        found.sort(key=lambda job: _place(job, sort), reverse=sort.descends)
        return [job.id for job in found]

    def _fits(self, job: Job, wanted: JobFilter) -> bool:
        is_of_it = job.schedule == self.schedule.name
        return all((
            _is_one(job.state, wanted.state),
            _is_one(job.task, wanted.task),
            _is_one(job.queue, wanted.queue),
            wanted.schedule is None or is_of_it,
            _is_one(job.schedule or job.task, wanted.name),
            wanted.search is None or _is_in(wanted.search, job, reasons=wanted.search_reasons),
            wanted.tag is None or set(job.tags) & set(wanted.tag),
            _is_one(job.owner, wanted.owner),
            wanted.id is None or job.id.startswith(wanted.id),
            _within(job.created_at, wanted.created_since, wanted.created_until),
            _within(job.finished_at, wanted.finished_since, wanted.finished_until),
            wanted.error is None or wanted.error.lower() in (job.reason or "").lower(),
            all(_at(job.args, path) == value for path, value in (wanted.args or {}).items()),
        ))  # fmt: skip


def _is_in(text: str, job: Job, *, reasons: bool) -> bool:
    texts = (job.task, job.schedule, job.reason if reasons else None)
    return any(text.lower() in (each or "").lower() for each in texts)


def _of_schedules(connection: Connection, _: datetime) -> list[JobId]:
    query = select(book.c.id).where(book.c.schedule.is_not(None))
    return [JobId(job) for job in connection.scalars(query)]


def _place(job: Job, sort: Sort) -> tuple[Any, ...]:
    return (job.finished_at, job.id) if sort.is_by_end else (job.id,)


def _is_one(value: Any, wanted: Any) -> bool:
    return wanted is None or value in wanted


def _within(moment: datetime | None, since: datetime | None, until: datetime | None) -> bool:
    if since is None and until is None:
        return True
    if moment is None:
        return False
    return (since is None or moment >= since) and (until is None or moment <= until)


def _at(args: str, path: str) -> Any:
    found = msgspec.json.decode(args)
    for name in path.split("."):
        found = found[int(name)] if isinstance(found, list) else found.get(name, {})
    return found
