"""The host of functions: its cron calls each minute, nearly; its instances come, sleep and die."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from onbeat.app.cycles import BUDGET, Cycle, run_cycle
from onbeat.domain.errors import StoreError
from onbeat.store.sqlite.writer import Request
from onbeat.testing.virtual_time import VirtualLoop, VirtualTiming
from tests.simulation.net import Net, Wire
from tests.simulation.tasks import Effects, Life
from tests.simulation.trace import Trace
from tests.simulation.wired import WiredStore
from tests.simulation.year.app import App

T = TypeVar("T")

ENDS_AFTER = 60.0
"""Seconds after which the host ends a call, with its instance."""

REQUESTS = 170
"""About so many a call sends to the database, and dies at one of them."""

COLD = 0.01
"""How many calls begin a new instance though one is free."""

SHARES = 0.3
"""How many calls share an instance with another that goes on, where one does."""

FATES = {
    "killed at a request": 0.03, "killed": 0.03, "stands still": 0.02, "short": 0.02,
    "lives on": 0.02, "cut off": 0.01,
}  # fmt: skip
"""What else may become of a call than that it goes well, and of how many it does."""


class MortalWire(Wire):
    """A way to the database on which its process may die at one request, sent or unsent."""

    def __init__(self, net: Net, name: str, loop: VirtualLoop) -> None:
        """Belong to the instance called `name`."""
        super().__init__(net, name)
        self._loop = loop
        self._left: int | None = None
        self._is_sent = False
        self.process: Life | None = None
        self.died: Callable[[], None] = lambda: None

    def die_at(self, number: int, *, sent: bool) -> None:
        """Die at the request that comes after so many others, once it is sent or before."""
        self._left, self._is_sent = number, sent

    async def run(self, request: Request[T]) -> T:
        """Send `request`, and wait for the reply; or die."""
        if self._left is None or self._left > 0:
            self._left = None if self._left is None else self._left - 1
            return await super().run(request)
        self._left = None
        reply: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._is_sent:
            self._net.send(self, self.word, request, reply)
        assert self.process is not None
        self._loop.kill(self.process)
        self.died()
        return await reply  # it never goes on


@dataclass(eq=False)
class Instance:
    """A process that is there while it is called, and as long after that as the host likes."""

    process: Life
    wire: MortalWire
    app: App
    calls: int = 0
    """How many go on in it."""


@dataclass
class Called:
    """A call."""

    at: datetime
    ended_at: datetime | None = None
    is_complete: bool = False
    """Whether it said that nothing was left."""


class Host:
    """Begins instances, and calls them."""

    def __init__(
        self,
        loop: VirtualLoop,
        net: Net,
        trace: Trace,
        luck: random.Random,
        make: Callable[[WiredStore], App],
        roughness: float,
    ) -> None:
        """Instances reach the database over `net`, and run what `make` makes; things go wrong so
        many times as often as `FATES` says.
        """
        self._fates = {name: roughness * share for name, share in FATES.items()}
        self._loop, self._net, self._trace, self._luck = loop, net, trace, luck
        self._make = make
        self._timing = VirtualTiming(loop, net.database.timing.now() - _passed(loop))
        self.effects = Effects(loop, trace)
        self.instances: list[Instance] = []
        self._lives = 0
        self.calls: list[Called] = []
        self.count: Counter[str] = Counter()
        self.is_calm = True
        """Whether nothing goes wrong: at first, and in the end."""

    def call(self) -> None:
        """Call an instance, and see what becomes of it."""
        instance = self._choose()
        fate = "well" if self.is_calm else self._any_fate()
        budget = {
            "short": timedelta(seconds=self._luck.randint(1, 5)), "lives on": timedelta(minutes=10)
        }.get(fate, BUDGET)  # fmt: skip
        self.count["calls"] += 1
        self.count[f"calls: {fate}"] += fate != "well"
        self.count["calls that overlap"] += any(each.calls for each in self.instances)
        self._trace.add(instance.process.name, f"is called, {fate}")
        called = Called(self._timing.now())
        self.calls.append(called)
        instance.calls += 1
        task = self._loop.start(instance.process, self._run(instance, called, budget))
        self._strike(instance, fate)
        if fate not in ("stands still", "lives on"):
            self._loop.call_later(ENDS_AFTER, self._end_late, instance, task)

    async def _run(self, instance: Instance, called: Called, budget: timedelta) -> None:
        cycle: Cycle | None = None
        with suppress(StoreError):
            cycle = await run_cycle(instance.app, drain=True, budget=budget)
        called.ended_at = self._timing.now()
        called.is_complete = cycle is not None and cycle.is_complete
        outcome = "failed" if cycle is None else "complete" if cycle.is_complete else "partial"
        self.count[f"calls that are {outcome}"] += 1
        instance.calls -= 1

    def calm(self) -> None:
        """Nothing goes wrong from here on; who stood still goes on."""
        self.is_calm = True
        self._net.clear_up()
        for each in self.instances:
            each.wire.cut_until = 0.0
            self._loop.go_on(each.process)

    def _choose(self) -> Instance:
        able = [each for each in self.instances if not each.process.stands_still]
        free = [each for each in able if not each.calls]
        if free and self._luck.random() >= COLD:
            return free[-1]
        busy = [each for each in able if each.calls]
        if busy and not free and self._luck.random() < SHARES:
            return self._luck.choice(busy)
        return self._begin()

    def _begin(self) -> Instance:
        self._lives += 1
        self.count["instances"] += 1
        name = f"instance {self._lives}"
        wire = MortalWire(self._net, name, self._loop)
        luck = random.Random(f"{self._luck.random()} {name}")
        store = WiredStore(wire, self._timing, luck)
        process = Life(name, self._lives, self.effects, store)
        instance = Instance(process, wire, self._make(store))
        wire.process, wire.died = process, lambda: self._forget(instance)
        self.instances.append(instance)
        return instance

    def _any_fate(self) -> str:
        shares = self._fates.values()
        return self._luck.choices([*self._fates, "well"], [*shares, 1 - sum(shares)])[0]

    def _strike(self, instance: Instance, fate: str) -> None:
        luck = self._luck
        match fate:
            case "killed at a request":
                instance.wire.die_at(luck.randint(0, REQUESTS), sent=luck.random() < 0.5)
            case "killed":
                self._later(luck.choice([0.5, 2.0, 40.0]), self._kill, instance)
            case "stands still":
                self._later(luck.choice([0.5, 5.0]), self._halt, instance)
            case "cut off":
                self._later(1.0, self._cut_off, instance)

    def _later(self, most: float, what: Callable[..., object], *args: Any) -> None:
        self._loop.call_later(self._luck.uniform(0, most), what, *args)

    def _kill(self, instance: Instance) -> None:
        if not self.is_calm and instance in self.instances:
            self._trace.add(instance.process.name, "is killed")
            self._loop.kill(instance.process)
            self._forget(instance)

    def _halt(self, instance: Instance) -> None:
        if not self.is_calm and instance in self.instances:
            self._trace.add(instance.process.name, "stands still")
            self._loop.halt(instance.process)
            seconds = self._luck.choice([20.0, 90.0, 900.0])
            self._later(seconds, self._loop.go_on, instance.process)

    def _cut_off(self, instance: Instance) -> None:
        if not self.is_calm:
            instance.wire.cut_until = self._loop.time() + self._luck.uniform(0, 30)

    def _end_late(self, instance: Instance, task: asyncio.Task[None]) -> None:
        if not task.done() and instance in self.instances and not self.is_calm:
            self.count["calls that the host ended"] += 1
            self._kill(instance)

    def _forget(self, instance: Instance) -> None:
        if instance in self.instances:
            self.instances.remove(instance)


def _passed(loop: VirtualLoop) -> timedelta:
    return timedelta(seconds=loop.time())
