"""The application: what a user makes once, and hangs tasks and schedules on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeVar, Unpack

from onbeat.app.agenda import Agendas
from onbeat.app.api_tokens import ApiTokens, Audit
from onbeat.app.backfills import Backfills
from onbeat.app.breakers import BreakerCommands
from onbeat.app.calendars import Calendars
from onbeat.app.callbacks import Callbacks, sender_of
from onbeat.app.calls import Call, check_calls
from onbeat.app.channels import Channels, Notices
from onbeat.app.clients import ClientOptions, Clients
from onbeat.app.clocks import Clocks
from onbeat.app.context import Context
from onbeat.app.crontab import Crontabs
from onbeat.app.database import Database
from onbeat.app.enqueueing import (
    enqueue_calls,
    enqueue_calls_within,
    enqueue_calls_within_async,
)
from onbeat.app.fleet import Queues, Workers
from onbeat.app.handles import JobHandle
from onbeat.app.history import History
from onbeat.app.incidents import Incidents, Rules, Silences
from onbeat.app.jobs import Jobs
from onbeat.app.limits import Limits
from onbeat.app.meters import Meters
from onbeat.app.middleware import Middleware
from onbeat.app.objectives import Objectives
from onbeat.app.operations import Operations
from onbeat.app.options import check_all_tags, read_options
from onbeat.app.places import Placed
from onbeat.app.policies import PolicyOptions, read_policies
from onbeat.app.processes import Parts, ServiceMaker, build
from onbeat.app.regions import RegionCommands
from onbeat.app.request_keys import RequestKeys
from onbeat.app.retention import Retention
from onbeat.app.schedules import Schedules
from onbeat.app.sending import check_region
from onbeat.app.services import Services
from onbeat.app.sources import Source, Sources
from onbeat.app.tasks import F, Task, TaskDecorator
from onbeat.app.user_schedules import UserSchedules
from onbeat.app.users import Users
from onbeat.app.variables import declared_timed
from onbeat.app.webhooks import Webhooks
from onbeat.app.workflows import Flow, Workflows
from onbeat.domain.environments import placed
from onbeat.domain.errors import InvalidTask
from onbeat.domain.events import Emit, discard
from onbeat.domain.jobs import check_name
from onbeat.domain.recurrence import Recurrence
from onbeat.domain.regions import Regions
from onbeat.domain.retention import Keep
from onbeat.runtime.clients import ApiClient
from onbeat.runtime.http_task import http_definition
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.service import Service
from onbeat.runtime.shell import shell_definition
from onbeat.runtime.tasks import Definition, Registry
from onbeat.settings import Settings, load_settings
from onbeat.sources.connector import Transport
from onbeat.sources.inbound_webhook import InboundWebhook
from onbeat.store import schema_state
from onbeat.store.guests.recognition import guest_of
from onbeat.store.opening import open_store
from onbeat.store.schema_state import SchemaStatus
from onbeat.store.sqlite.guests import refuse_inside_open_write
from onbeat.store.store import Store

P = ParamSpec("P")
R = TypeVar("R")


class Onbeat(Placed):
    """Tasks, schedules, and the database they live in.

    The database is `url`, else the setting ONBEAT_DB, else `sqlite:///onbeat.db` in the working
    directory. Nothing is connected until something is asked of it.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        name: str = "app",
        settings: Settings | None = None,
        shell: bool | None = None,
        regions: Regions | None = None,
        environment: str | None = None,
    ) -> None:
        """`name` tells this application's schedules from those of others in the same database.

        `environment` keeps it apart from all others there, as if each had a database of its own;
        unsaid, the setting ONBEAT_ENVIRONMENT does, and without one it is where it always was.

        `shell` says whether it has the task `shell`, which runs commands; unsaid, the setting
        ONBEAT_SHELL does. `regions` says which queue each region has; unsaid, the setting
        ONBEAT_REGIONS does.
        """
        self.settings = settings or load_settings()
        self.name = check_name("name", name)
        where = self.settings.db if url is None else url
        self._context = Context(
            placed(where, environment, self.settings.environment), name,
            self.settings.max_payload, regions or self.settings.regions,
        )  # fmt: skip
        self.database = Database(self._context)
        self.schedules = Schedules(self._context)
        self.user_schedules = UserSchedules(self._context, self.schedules)
        self.backfills = Backfills(self._context)
        self.agendas = Agendas(self._context)
        self.crontabs = Crontabs(self._context)
        self.calendars = Calendars(self._context)
        self.clocks = Clocks(self._context)
        self.jobs = Jobs(self._context)
        self.operations = Operations(self._context)
        self.history = History(self._context)
        self.queues = Queues(self._context)
        self.workers = Workers(self._context)
        self.meters = Meters(self._context)
        self.services = Services(self._context, self.settings.heartbeat)
        self.limits = Limits(self._context)
        self.breakers = BreakerCommands(self._context)
        self.workflows = Workflows(self._context)
        self.regions = RegionCommands(self._context)
        self.retention = Retention(self._context)
        self.objectives = Objectives(self._context)
        self.users = Users(self._context)
        self.tokens = ApiTokens(self._context)
        self.audit = Audit(self._context)
        self.request_keys = RequestKeys(self._context, self.settings)
        self.webhooks = Webhooks(self._context, self.settings)
        self.callbacks = Callbacks(self._context, self.settings)
        self.incidents = Incidents(self._context)
        self.rules = Rules(self._context)
        self.silences = Silences(self._context)
        self.channels = Channels(self._context, self.settings)
        self.notices = Notices(self._context)
        self.sources = Sources(self._context, self.settings, self.schedules, self.clocks)
        self._clients = Clients(self._context, self.breakers)
        self.service_makers: list[Callable[[Store], Service]] = []
        """What makes the services of your own; see `service`."""
        self._add_built_in(shell=self.settings.shell if shell is None else shell)

    def _add_built_in(self, *, shell: bool) -> None:
        registry = self._context.registry
        if shell:
            registry.add(shell_definition())
        if self.settings.http_task:
            registry.add(http_definition(sender_of(self._context, self.settings)))

    @property
    def registry(self) -> Registry:
        """All tasks, by name."""
        return self._context.registry

    @property
    def task(self) -> TaskDecorator:
        """Make a function a task: `@ob.task`, or `@ob.task(queue=…, timeout=…, retry=…)`."""
        return TaskDecorator(
            self._context, keep=self.retention.declare, aim=self.objectives.declare,
            serve_users=self.user_schedules.serve,
        )  # fmt: skip

    def schedule(
        self,
        when: Recurrence,
        *,
        name: str | None = None,
        args: dict[str, Any] | None = None,
        region: str | None = None,
        keep: Keep | None = None,
        tags: Sequence[str] | None = None,
        objective: float | str | None = None,
        **policies: Unpack[PolicyOptions],
    ) -> Callable[[Task[P, R, F]], Task[P, R, F]]:
        """Declare a schedule of a task: `@ob.schedule(cron("0 2 * * *"))` above `@ob.task`.

        The scheduler brings what is declared into the store when it starts. `args` are the
        task's arguments by name, `region` is where its jobs are wanted, `keep` what is kept
        of those that have ended, `tags` what they can be found by, beside the task's own,
        `objective` which part is to complete. Raises InvalidInput, InvalidArguments, InvalidTask.
        """
        read = read_policies(**policies)
        options = read_options(region=region, tags=tags)
        check_region(self._context, region)

        def declare(task: Task[P, R, F]) -> Task[P, R, F]:
            _refuse_unless_task(task)
            encoded = task.definition.arguments.encode((), args or {})
            check_all_tags(task.definition, options)
            call: Call[R] = Call(task.definition, encoded, options)
            due, told = declared_timed(name or task.name, when)
            self.schedules.passed_over += [] if told is None else [told]
            self.schedules.declare(name or task.name, call, due, read)
            self.retention.declare("schedule", name or task.name, keep)
            self.objectives.declare("schedule", name or task.name, objective)
            return task

        return declare

    def queue(
        self,
        name: str,
        *,
        concurrency: int | None = None,
        rate: str | None = None,
        burst: int | None = None,
        keep: Keep | None = None,
        objective: float | str | None = None,
    ) -> None:
        """Bound a queue across the fleet: how many of its jobs run at once, how many begin in a
        time, as "100/min"; say what is kept of those that have ended, and which part is to
        complete. Raises InvalidInput.
        """
        check_name("queue", name)
        self.retention.declare("queue", name, keep)
        self.objectives.declare("queue", name, objective)
        if (keep, objective) == (None, None) or (concurrency, rate, burst) != (None, None, None):
            self.limits.declare_queue(name, concurrency=concurrency, rate=rate, burst=burst)

    def middleware(self, middleware: Middleware) -> None:
        """Run `middleware` around every enqueue and run of this application, within what came
        before. Raises InvalidInput.
        """
        self._context.add_middleware(middleware)

    def workflow(self, name: str, *, on_failure: Literal["continue", "end"] = "continue") -> Flow:
        """Build a workflow: `async with ob.workflow("nightly") as flow:`, then `flow.add(…)`.

        When a job of it does not succeed, what waits for its success is called off. With
        `on_failure` "end" so is what waits for any end. Raises InvalidInput.
        """
        return Flow(self._context, name, on_failure)

    def service(self, make: Callable[[Store], Service]) -> None:
        """Run a service of your own beside the scheduler: `make` is given the open store."""
        self.service_makers.append(make)

    def source(self, transport: Transport | InboundWebhook) -> Source:
        """Make jobs, schedule changes and clock advances of what comes from outside: say which with
        `.on(…)` of what this gives. Raises InvalidInput.
        """
        source = self.sources.declare(transport)
        if source.listener is not None:
            self.service_makers.append(source.listener)
        return source

    def client(self, name: str, **options: Unpack[ClientOptions]) -> ApiClient:
        """A client of an API of your own: `api = ob.client("game-api", url="https://…")`, then
        `await api.get("/effects/42")` in a task.

        With `env="API"` the variables API_URL and its like set it, too, and win. Raises
        InvalidInput, InvalidSetting, InvalidTask.
        """
        return self._clients.make(name, **options)

    async def enqueue_many(
        self, calls: Iterable[Call[R]], *, within: object | None = None
    ) -> list[JobHandle[R]]:
        """Ask for many jobs: `[charge.bind(1), charge.bind(2), …]`.

        Each batch of 5,000 is stored whole or not at all; `within` a transaction of the caller's
        (see `Task.within`) all of them, if and when it commits. Raises InvalidTask for a task of
        another application.
        """
        listed = self._own(calls)
        if within is None:
            return await enqueue_calls(self._context, listed)
        return await enqueue_calls_within_async(self._context, guest_of(within, self.url), listed)

    def enqueue_many_blocking(
        self, calls: Iterable[Call[R]], *, within: object | None = None
    ) -> list[JobHandle[R]]:
        """The same from code without an event loop."""
        listed = self._own(calls)
        if within is not None:
            return enqueue_calls_within(self._context, guest_of(within, self.url), listed)
        refuse_inside_open_write(self.url)
        return self._context.block(lambda: enqueue_calls(self._context, listed))

    def _own(self, calls: Iterable[Call[R]]) -> list[Call[R]]:
        listed = list(calls)
        check_calls("calls", listed)
        for definition in {id(call.definition): call.definition for call in listed}.values():
            self._context.registry.check_own(definition)
        return listed

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of all tasks."""
        return tuple(definition.name for definition in self._context.registry)

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """All tasks with their options, in order of name."""
        return tuple(self._context.registry)

    async def store(self) -> Store:
        """The running loop's open store."""
        return await self._context.store()

    async def migrate(self) -> SchemaStatus:
        """Bring the database to the schema this Onbeat knows; what it had before."""
        store = open_store(self.url)
        try:
            return await store.write(schema_state.migrate)
        finally:
            await store.close()

    async def schema(self) -> SchemaStatus:
        """The schema the database has, and the one this Onbeat needs."""
        store = open_store(self.url)
        try:
            found = await store.read(lambda connection, _: schema_state.status(connection))
            return replace(found, environment=self.environment)
        finally:
            await store.close()

    @asynccontextmanager
    async def running(
        self,
        *,
        worker: bool = True,
        scheduler: bool = True,
        emit: Emit = discard,
        parts: Parts | None = None,
        more: Sequence[ServiceMaker] = (),
    ) -> AsyncIterator[ServiceManager]:
        """Run a worker, a scheduler, or both in this process, until the block ends.

        `more` makes further services, as `onbeat.api.served(ob).make` does the API and the web UI.
        """
        with_scheduler = scheduler and self.settings.scheduler_enabled
        parts = parts or Parts.from_settings(self.settings, worker=worker, scheduler=with_scheduler)
        manager = await build(
            self._context,
            self.schedules,
            (
                self.limits.reconcile,
                self.breakers.reconcile,
                self.regions.reconcile,
                self.retention.reconcile,
                self.objectives.reconcile,
            ),
            replace(parts, more=(*parts.more, *more)),
            self.service_makers,
            emit,
            self.channels.services,
        )
        self.sources.emit, self.sources.is_running = emit, parts.is_told
        self._clients.emit(emit)
        try:
            await manager.start()
            yield manager
        finally:
            await manager.stop()
            self.sources.emit, self.sources.is_running = discard, False
            self._clients.emit(discard)

    @property
    def is_connected(self) -> bool:
        """Whether the running loop's store is open."""
        return self._context.stores.is_open

    async def close(self) -> None:
        """Disconnect the running loop's store, and its clients."""
        await self._context.close()

    def close_blocking(self) -> None:
        """Disconnect what the blocking verbs use."""
        self._context.portal.close()

    async def __aenter__(self) -> Onbeat:
        """Connect."""
        await self._context.store()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        await self.close()


def _refuse_unless_task(found: object) -> None:
    if not isinstance(found, Task):
        name = getattr(found, "__name__", repr(found))
        told = f"{name} is not a task yet; put @ob.schedule(…) above @ob.task, not below it"
        raise InvalidTask("task", told)
