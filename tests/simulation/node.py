"""A node: the services of one Onbeat process, on a store, clocks and luck of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from onbeat.domain.events import BreakerOpened, Event, JobEnded, JobStarted, SessionLost
from onbeat.runtime.maintenance import Rescuer
from onbeat.runtime.manager import ServiceManager
from onbeat.runtime.scheduler import Scheduler
from onbeat.runtime.watchdog import Watchdog
from onbeat.runtime.worker.worker import Worker, WorkerOptions
from onbeat.testing.virtual_time import VirtualLoop, VirtualTiming, inside
from tests.simulation.net import Net, Wire
from tests.simulation.tasks import REGISTRY, Effects, Life
from tests.simulation.trace import Trace
from tests.simulation.wired import WiredStore

GRACE = timedelta(seconds=3)


@dataclass(frozen=True)
class Terms:
    """How often hearts beat, and when silence is a death; the same for all nodes of a run."""

    heartbeat: timedelta
    rescue_after: timedelta


@dataclass
class Ground:
    """What all nodes of a run stand on."""

    loop: VirtualLoop
    net: Net
    trace: Trace
    effects: Effects
    terms: Terms
    seed: int
    lives: int = 0
    """How many processes there have been."""
    heard: list[tuple[int, float]] = field(default_factory=list)
    """When which life heard that its session was lost."""
    openings: list[BreakerOpened] = field(default_factory=list)
    """Breakers that opened, as far as who saw it heard so."""
    nodes: list[Node] = field(default_factory=list)


class Node:
    """One place for processes; they die, and others follow."""

    def __init__(
        self, ground: Ground, name: str, *, worker: bool, scheduler: bool, ahead: timedelta
    ) -> None:
        """Run so many parts; its wall clock is `ahead` of the database's."""
        self._ground = ground
        self.name = name
        self._worker = worker
        self._scheduler = scheduler
        self.timing = VirtualTiming(ground.loop, ahead=ahead)
        self.is_away = True
        """Whether no process of its runs, or the one that does is about to end."""
        self.is_stopping = False
        self._begin()

    @property
    def session(self) -> str | None:
        """The session its worker believes to have; None where there is no worker, or none yet."""
        for service in self._services:
            if isinstance(service, Worker) and service.session is not None:
                return service.session.id
        return None

    def start(self) -> None:
        """Start a new process."""
        self._begin()
        self.is_away = self.is_stopping = False
        self._note("starts")
        self._ground.loop.start(self.process, self._services.start())

    def crash(self) -> None:
        """End the process without a word."""
        self._note("crashes")
        self._ground.loop.kill(self.process)
        self.is_away = True

    def stop(self, then: Callable[[], object]) -> None:
        """Ask the process to end, as SIGTERM does."""
        self._note("is to stop")
        self.is_away = self.is_stopping = True
        ended = self._ground.loop.start(self.process, self._services.stop())
        ended.add_done_callback(lambda _: then(), context=inside(self.process))

    def halt(self) -> None:
        """Let the process stand still."""
        self._note("stands still")
        self._ground.loop.halt(self.process)

    def go_on(self) -> None:
        """Let it go on."""
        self._note("goes on")
        self._ground.loop.go_on(self.process)

    def hear(self, topics: frozenset[str]) -> None:
        """Take a hint of another node."""
        self.store.wakeups.deliver(topics)

    def _begin(self) -> None:
        ground = self._ground
        ground.lives += 1
        luck = random.Random(f"{ground.seed} {self.name} {ground.lives}")
        self.wire = Wire(ground.net, self.name)
        self.store = WiredStore(self.wire, self.timing, luck)
        self.process = Life(self.name, ground.lives, ground.effects, self.store)
        self.store.wakeups.outward = self._send_hint
        self._services = self._build()

    def _build(self) -> ServiceManager:
        """The services of a process in their order; see onbeat.app.processes."""
        ground, store = self._ground, self.store
        terms = ground.terms
        manager = ServiceManager()
        manager.register(Rescuer(store, after=terms.rescue_after, emit=self._emit))
        if self._worker:
            options = WorkerOptions(
                slots=4, instance=self.name, grace=GRACE, heartbeat=terms.heartbeat,
                rescue_after=terms.rescue_after,
            )  # fmt: skip
            manager.register(Worker(store, REGISTRY, options, emit=self._emit))
        if self._scheduler:
            manager.register(Scheduler(store, emit=self._emit))
            manager.register(Watchdog(store, emit=self._emit))
        return manager

    def _send_hint(self, topics: frozenset[str]) -> None:
        ground = self._ground
        for other in ground.nodes:
            if other is not self and not ground.net.drop():
                delay = ground.net.delay()
                ground.loop.call_later(delay, other.hear, topics, context=inside(other.process))

    def _emit(self, event: Event) -> None:
        if isinstance(event, SessionLost):
            self._ground.heard.append((self.process.number, self._ground.loop.time()))
        if isinstance(event, BreakerOpened):
            self._ground.openings.append(event)
        if not isinstance(event, JobStarted | JobEnded):
            self._note(repr(event))

    def _note(self, what: str) -> None:
        self._ground.trace.add(self.name, what)
