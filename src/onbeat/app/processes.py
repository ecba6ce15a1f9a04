"""Which services a process runs, put together from the settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from onbeat.app.context import Context
from onbeat.app.schedules import Schedules
from onbeat.app.variables import refuse_shared, set_by_variables
from onbeat.domain.errors import InvalidSetting, NotFound
from onbeat.domain.events import Emit
from onbeat.domain.processes import Process
from onbeat.domain.retention import DEFAULT_RETENTION
from onbeat.runtime.boots import Boots
from onbeat.runtime.cleaner import Cleaner
from onbeat.runtime.judge import Judge
from onbeat.runtime.machine import host_name, instance_name
from onbeat.runtime.maintenance import Partitioner, Rescuer
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.operations import Operator
from onbeat.runtime.regions import Mover, Router
from onbeat.runtime.scheduler import Scheduler
from onbeat.runtime.service import FOREVER, Service
from onbeat.runtime.steward import Steward
from onbeat.runtime.watchdog import Watchdog
from onbeat.runtime.watcher import Watcher
from onbeat.runtime.worker.heartbeat import Heart, ProcessHeart, ThreadHeart
from onbeat.runtime.worker.worker import Worker, WorkerOptions
from onbeat.settings import Settings
from onbeat.store.opening import open_store
from onbeat.store.sqlite.connections import database_path
from onbeat.store.store import Store

SWITCH_SECONDS = 0.0001
"""How long a thread may wait for the interpreter's lock where jobs run beside SQLite's writer.

The writer lets go of it for each of a dozen statements in a claim or an ack, and waits 5 ms, the
interpreter's own interval, to have it back while jobs run: 79 thousand jobs a second, with this
95. Four threads that only compute take 6 % longer.
"""


ServiceMaker = Callable[[Store, Emit], Service]
"""What makes a further service of a process, as the API is one."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What of Onbeat a process runs."""

    worker: bool = True
    scheduler: bool = True
    heart_in_process: bool = False
    is_told: bool = True
    """Whether the store is told of this process and its services."""
    keep: timedelta = DEFAULT_RETENTION
    """How long ended jobs are kept."""
    options: WorkerOptions = field(default_factory=WorkerOptions)
    own: Sequence[str] | None = None
    """Which of the application's own services, by id; None for all of them beside a scheduler."""
    restarts_own: bool = True
    """Whether those are restarted after a failure; each may say of itself that it is not."""
    more: Sequence[ServiceMaker] = ()
    """What makes further services, as the API: they start last and stop first."""

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        worker: bool,
        scheduler: bool,
        heart_in_process: bool = False,
        version: str = "",
    ) -> Parts:
        """Read the worker's options from the settings."""
        options = WorkerOptions(
            queues=settings.queues,
            slots=settings.concurrency,
            instance=settings.instance_id or "",
            region=settings.region,
            version=version,
            grace=settings.shutdown_grace,
            heartbeat=settings.heartbeat,
            rescue_after=settings.rescue_after,
        )
        return cls(
            worker=worker,
            scheduler=scheduler,
            heart_in_process=heart_in_process,
            keep=settings.retention,
            restarts_own=settings.scheduler_auto_restart,
            options=options,
        )


class Reconciler(Service):
    """Brings the schedules declared in code into the store, once, before its process is ready.

    And never again: after a deploy, a process of the old code that still runs has no say.
    """

    def __init__(self, schedules: Schedules, **options: Any) -> None:
        """Reconcile `schedules`."""
        super().__init__(id="reconciler", **options)
        self._schedules = schedules

    async def set_up(self) -> None:
        """Reconcile."""
        self.emit(await self._schedules.reconcile())

    async def step(self) -> float:
        """Rest."""
        return FOREVER


async def build(
    context: Context,
    schedules: Schedules,
    reconcile: Sequence[Callable[[], Awaitable[object]]],
    parts: Parts,
    services: Sequence[Callable[[Store], Service]],
    emit: Emit,
    telling: Callable[[Store, Emit], Sequence[Service]] | None = None,
) -> ServiceManager:
    """The services of this process, in the order they are to start.

    Raises StoreError, and InvalidInput for a worker in a region that the application has not; where
    it has none, a worker's region is but a label.
    """
    router, region = context.router, parts.options.region
    if router is not None and region is not None and parts.worker:
        router.regions.check(region)
    store = await context.store()
    for each in reconcile:
        await each()
    if parts.worker and store.engine == "sqlite":
        sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
    manager = ServiceManager()
    if parts.is_told:  # first, so that it tells of the others until they have stopped
        manager.register(_steward(store, manager, parts.options, emit))
    manager.register(Partitioner(store, emit=emit))
    manager.register(Cleaner(store, parts.keep, emit=emit))
    manager.register(Rescuer(store, after=parts.options.rescue_after, emit=emit))
    manager.register(Operator(store, emit=emit))
    manager.register(Watcher(store, emit=emit))
    manager.register(Judge(store, emit=emit))
    if router is not None:
        manager.register(Mover(store, router.regions, emit=emit))
    if parts.worker:
        options = _with_heart(parts, context.url)
        worker = Worker(store, context.registry, options, emit=emit)
        worker.tally = context.tally  # its jobs send to webhooks of owners
        manager.register(worker)
    # After the worker, so that it stops before it: a process that drains makes no more jobs.
    of_scheduler = _of_scheduler(store, schedules, router, emit)
    # A process that is a worker alone tells nobody: it runs code of users, and has no keys.
    tells = telling if parts.scheduler or parts.more else None
    for service in (
        *(() if tells is None else tells(store, emit)),
        *(of_scheduler if parts.scheduler else ()),
        *_own(store, services, schedules, parts, emit),
        *(make(store, emit) for make in parts.more),
    ):
        manager.register(service)
    return manager


def _steward(store: Store, manager: ServiceManager, options: WorkerOptions, emit: Emit) -> Steward:
    process = Process(
        id=store.new_id(), instance=instance_name(options.instance), host=host_name(),
        pid=os.getpid(), version=options.version, region=options.region,
    )  # fmt: skip
    return Steward(
        store, manager, process, every=options.heartbeat, expires_in=options.rescue_after,
        emit=emit,
    )  # fmt: skip


def _of_scheduler(
    store: Store,
    schedules: Schedules,
    router: Router | None,
    emit: Emit,
) -> Iterator[Service]:
    yield Reconciler(schedules, timing=store.timing, emit=emit)
    yield Boots(store, emit=emit)
    yield Scheduler(store, router=router, emit=emit)
    yield Watchdog(store, emit=emit, router=router)


@dataclass(frozen=True, slots=True)
class OwnService:
    """A service of the application, made to be looked at."""

    service: Service
    wrong: str | None
    """Why it would not start: what is wrong with a variable of its own."""


def own_services(url: str, makers: Sequence[Callable[[Store], Service]]) -> Sequence[OwnService]:
    """The application's own services, set by their variables; none of them is started."""
    store = open_store(url)
    return [_looked_at(make(store)) for make in makers]


def _looked_at(service: Service) -> OwnService:
    try:
        return OwnService(set_by_variables(service), None)
    except InvalidSetting as error:
        return OwnService(service, str(error))


def _own(
    store: Store,
    makers: Sequence[Callable[[Store], Service]],
    schedules: Schedules,
    parts: Parts,
    emit: Emit,
) -> Sequence[Service]:
    """Those that this process runs. Raises NotFound for one that the application has not, and
    InvalidSetting for a variable of one that is wrong, or would set two.
    """
    if parts.own is None and not parts.scheduler:
        return ()
    made: Sequence[Service] = [make(store) for make in makers]
    run = made if parts.own is None else _named(made, parts.own)
    refuse_shared(run, [each.name for each in schedules.declared] if parts.scheduler else ())
    for each in run:
        set_by_variables(each)
        each.emit = emit
        each.critical &= parts.restarts_own
        each.auto_start |= parts.own is not None  # asked for by name, whatever it says of itself
    return run


def _named(made: Sequence[Service], names: Sequence[str]) -> Sequence[Service]:
    """Those of the names."""
    by_id = {each.id: each for each in made}
    for name in names:
        if name not in by_id:
            known = ", ".join(sorted(by_id)) or "none; `ob.service(…)` adds one"
            raise NotFound(f"the application has no service {name!r}; there are: {known}")
    return [by_id[name] for name in dict.fromkeys(names)]


def _with_heart(parts: Parts, url: str) -> WorkerOptions:
    """A heart of its own for the worker; a database in memory can only be reached from its loop."""
    options = parts.options
    heart: Heart | None = None
    if not (url.startswith("sqlite") and database_path(url) is None):
        kind = ProcessHeart if parts.heart_in_process else ThreadHeart
        heart = kind(url, options.heartbeat, options.rescue_after)
    return options.with_heart(heart)
