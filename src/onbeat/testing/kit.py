"""The kit: a user's application on a database of the test's own, in a time that the test moves.

There is no eager mode: jobs are stored, claimed, run, acked and rescued by the code that does so in
production. What is not real is the wall clock, and that the scheduler looks when it is due
instead of every second.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

from onbeat.app.onbeat import Onbeat
from onbeat.app.portal import Portal
from onbeat.crash_points import CrashPoint, disarm
from onbeat.domain.errors import InvalidInput
from onbeat.runtime.service import Service
from onbeat.runtime.tasks import RunsIn
from onbeat.store import queues as stored_queues
from onbeat.testing.clock import VirtualClock
from onbeat.testing.crashes import SCHEDULER_POINTS, WORKER_POINTS, arm_for, read_point
from onbeat.testing.crew import Crew, Trade
from onbeat.testing.errors import KitError
from onbeat.testing.killing import KILLABLE, Order, kill_one, place_of
from onbeat.testing.looks import AnyTask, Looks, task_name
from onbeat.testing.moments import Moment, read_duration, read_goal
from onbeat.testing.office import Office
from onbeat.testing.staff import Staff

START = datetime(2030, 6, 17, 12, 0, 1, tzinfo=UTC)
"""When a kit begins unless told: a Monday just past noon, far from midnight and clock changes, and
where nothing is due that comes every few minutes or hours."""


class Kit(Looks):
    """What an async test works with; made by `opened` or the fixture `onbeat_kit`."""

    def __init__(
        self, ob: Onbeat, portal: Portal, clock: VirtualClock, trade: Trade, *, services: bool
    ) -> None:
        """Run `ob`, which lives elsewhere already, by `clock`, with or without its `services`."""
        super().__init__(ob, portal)
        self._clock = clock
        self._crew = Crew(ob.url, clock, ob.registry, trade)
        self._office = Office(ob, clock)
        self._staff = Staff(ob.service_makers if services else (), ob.url, clock, trade.patience)
        self._trade = trade
        self._armed: list[CrashPoint] = []
        self._started = AsyncExitStack()
        self._killed = 0
        self.is_running = False
        """Whether the engine runs just now: within a verb."""

    @property
    def now(self) -> datetime:
        """The moment it is."""
        return self._clock.now()

    @property
    def url(self) -> str:
        """The database's URL, for code that opens it in its own way, as for `within`."""
        return self._ob.url

    @property
    def services(self) -> Mapping[str, Service]:
        """The application's own services by their ids, to look at, pause or wake."""
        return self._staff.services

    @property
    def crashed(self) -> list[CrashPoint]:
        """Where workers and schedulers have died so far."""
        return [*self._crew.crashed, *self._office.crashed]

    async def start(self) -> None:
        """Make the tables, start a worker and a scheduler. Raises KitError, StoreError."""
        if (await self._ob.schema()).current is None:
            await self._ob.migrate()
        if await self._ob.jobs.list() or await self._ob.schedules.list():
            raise KitError(
                f"the database at {self.url} holds jobs or schedules; a kit needs one of its own, "
                "and empty, which it may fill and wear out"
            )
        await self._office.start()
        self._started.push_async_callback(self._office.stop)
        await self._crew.start()
        self._started.push_async_callback(self._crew.stop)
        self._started.push_async_callback(self._staff.stop)
        await self._staff.start()

    async def stop(self) -> None:
        """Stop what was started, and disconnect."""
        if self._armed:
            disarm()
        await self._started.aclose()

    async def advance(
        self, by: str | timedelta | None = None, *, to: Moment | None = None, raises: bool = False
    ) -> None:
        """Let time pass: by a duration such as "1d", or to a moment.

        The clock goes from one moment at which something is due to the next (schedules, delays,
        retries, timeouts, lapsed leases), and at each all that can run is run to its end. With
        `raises` the error of the first job that failed is raised. Raises InvalidInput, JobHangs.
        """
        goal = read_goal(self.now, by, to)
        with self._verb(raises=raises):
            at = await self._settle()
            while at is not None and at <= goal:
                self._clock.move(at)
                at = await self._settle()
            self._clock.move(goal)
            await self._finish()

    async def drain(self, *, raises: bool = False) -> None:
        """Run all that is pending, and what that asks for, without letting time pass.

        With `raises` the error of the first job that failed is raised. Raises JobHangs, and
        KitError when jobs are left in queues that the kit does not serve.
        """
        with self._verb(raises=raises):
            await self._settle()
            await self._finish()
            await self._refuse_unserved()

    @asynccontextmanager
    async def downtime(self, *, worker: bool = False) -> AsyncIterator[None]:
        """No scheduler runs inside; with `worker` no worker either. At the end all start anew.

        Workers go on to run what is pending; nothing that waits for its moment becomes so.
        """
        await self.go_down(worker=worker)
        yield
        await self.come_up()

    async def go_down(self, *, worker: bool) -> None:
        """Begin a downtime."""
        self._office.is_down = True
        await self._staff.stop()
        if worker:
            await self._crew.leave()

    async def come_up(self) -> None:
        """End it: bring the schedules in code into the store, and do what is due."""
        with self._verb(raises=False):
            await self._crew.come_back()
            self._office.is_down = False
            await self._ob.schedules.reconcile()
            await self._staff.start()
            await self._settle()
            await self._finish()

    def crash_at(self, at: CrashPoint | str, *, on_pass: int = 1) -> None:
        """Let the worker, or the scheduler, die when it comes to that point; another follows.

        The next verb brings it there; a test that ends before that fails. Raises InvalidInput.
        """
        point = read_point(at, WORKER_POINTS | SCHEDULER_POINTS, "give one of ")
        self._armed.append(point)
        arm_for(self._crew if point in WORKER_POINTS else self._office, point, on_pass)

    async def kill_worker(self, at: CrashPoint | str, *, on_pass: int = 1) -> None:
        """Run a worker in a process of its own, which is killed (SIGKILL) when it comes there.

        It takes what is pending, as the kit's own would. It imports the application anew: what the
        test has patched is not there. Raises InvalidInput, and KitError when the application is at
        the top of no module, or the point is never reached.
        """
        point = read_point(at, KILLABLE, "give one of ")
        with self._verb(raises=False):
            self._killed += 1
            order = Order(
                app=place_of(self._ob), url=self.url, at=self.now, point=point, on_pass=on_pass,
                queues=tuple(self._trade.queues), slots=self._trade.slots,
                patience=self._trade.patience, seed=f"{self._trade.seed} killed {self._killed}",
                path=sys.path,
            )  # fmt: skip
            await kill_one(order)
            self._office.alarm()

    def takes(self, task: AnyTask, duration: str | timedelta | None) -> None:
        """Let jobs of a task take so long on the kit's clock, once their function has returned.

        None lets them end at once again. Raises UnknownTask, InvalidInput.
        """
        definition = self._ob.registry.find(task_name(task))
        if definition.runs_in is RunsIn.PROCESS:
            raise InvalidInput(
                "task", f"{definition.name!r} runs in a process of its own, which the kit's clock "
                "does not reach; give a task without isolate",
            )  # fmt: skip
        if duration is None:
            self._crew.tasks.durations.pop(definition.name, None)
        else:
            self._crew.tasks.durations[definition.name] = read_duration(duration, "duration")

    def check(self) -> None:
        """Raise KitError when a crash point was never reached: the test would prove nothing."""
        missed = Counter(self._armed) - Counter(self.crashed)
        if missed:
            names = ", ".join(missed)
            raise KitError(f"nothing has died at {names}: the code did not come there")

    @contextmanager
    def _verb(self, *, raises: bool) -> Iterator[None]:
        if self.is_running:
            raise KitError("the kit runs already: its verbs go one after the other")
        errors = self._crew.tasks.errors
        errors.clear()
        self._staff.begin()
        self.is_running = True
        try:
            yield
        finally:
            self.is_running = False
        if raises and errors:
            task, attempt, error = errors[0]
            error.add_note(f"raised by a job of task {task!r}, attempt {attempt}")
            raise error
        if raises:
            self._staff.raise_first()

    async def _settle(self) -> datetime | None:
        """Do all that can be done at this moment; when there is something to do next."""
        while True:
            await self._crew.beat()  # before anybody can think it silent
            await self._office.sweep(self._crew.session)
            await self._office.settle()
            await self._staff.settle()
            await self._crew.beat()  # which hears of jobs that are to stop
            if await self._crew.settle():
                self._office.alarm()
            at = await self._next_moment()
            if self._staff.is_at_rest and (at is None or at > self.now):
                return at

    async def _finish(self) -> None:
        """Do what in life goes on beside: the watchdog's look, storing what jobs have told."""
        await self._office.watch()
        await self._settle()
        await self._crew.settle(told=True)

    async def _next_moment(self) -> datetime | None:
        ends = (
            await self._office.next_moment(),
            self._crew.next_moment(),
            self._staff.next_moment(),
        )
        return min((at for at in ends if at is not None), default=None)

    async def _refuse_unserved(self) -> None:
        served = self._trade.queues
        left = [
            queue
            for queue in await (await self._ob.store()).read(stored_queues.list_queues)
            if queue.pending and queue.paused_at is None and queue.name not in served
        ]
        if left and not self._crew.is_away:
            names = ", ".join(f"{queue.name!r} ({queue.pending})" for queue in left)
            raise KitError(
                f"jobs are pending in queues that the kit does not serve: {names}; it serves "
                f"{', '.join(served)}. Give queues=[…] when you open it"
            )
