"""What goes wrong, drawn from the seed: which kinds at all in this run, and then one by one."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

from onbeat.store.sqlite.statements import LAST_TOKEN
from onbeat.store.sqlite.writer import Hands
from onbeat.testing.virtual_time import VirtualTiming
from tests.simulation.book import Asked
from tests.simulation.net import Weather
from tests.simulation.node import Ground, Node

HOUR = timedelta(hours=1)

NOBODY_DIES = 0.15
"""How many runs are such in which no worker may be taken for dead."""

Fault = Callable[[Node], None]


def _last_token(hands: Hands) -> int:
    return int(hands.raw.execute(LAST_TOKEN).fetchone()[0])


class Faults:
    """Strikes nodes, the network, the database and clocks."""

    def __init__(self, ground: Ground, luck: random.Random, asked: Asked) -> None:
        """Draw from `luck`; when the database's clock is set, say so to the book."""
        self._ground = ground
        self._luck = luck
        self._asked = asked
        self.nobody_dies = luck.random() < NOBODY_DIES
        """Whether nothing happens that would make a worker silent while others are heard."""
        self._kinds = self._gentle_kinds if self.nobody_dies else self._some_kinds()
        self._ahead: list[timedelta] = [timedelta()]
        """How far the database's clock has been ahead of where it began."""
        self.count: Counter[str] = Counter()

    @property
    def has_set_the_clock(self) -> bool:
        """Whether the database's clock was ever set."""
        return any(self._ahead)

    async def strike_on(self, every_seconds: float) -> None:
        """One fault after the other, until ended."""
        self._ground.net.weather = self._any_weather()
        while True:
            await asyncio.sleep(self._luck.uniform(0.2, 1.8) * every_seconds)
            fault = self._luck.choice(self._kinds)
            node = self._luck.choice(self._ground.nodes)
            self.count[fault.__name__.strip("_")] += 1
            fault(node)

    def end(self) -> None:
        """All is well again: who is away comes back, clocks that were set back are set right."""
        net, clock = self._ground.net, self._ground.net.database.timing
        assert isinstance(clock, VirtualTiming)
        self._set_clock(max(self._ahead) - clock.ahead)
        for node in self._ground.nodes:
            node.wire.cut_until = 0.0
        net.clear_up()
        for node in self._ground.nodes:
            node.go_on()
            if node.is_away and not node.is_stopping:
                node.start()

    def _some_kinds(self) -> Sequence[Fault]:
        """A run with all kinds of faults at once would never show what two of them do together."""
        every_kind = (
            self._crash, self._stop, self._halt, self._cut_off, self._outage, self._set_node_clock,
            self._set_database_clock, self._suspend, self._change_weather,
        )  # fmt: skip
        return self._luck.sample(every_kind, self._luck.randint(2, len(every_kind)))

    @property
    def _gentle_kinds(self) -> Sequence[Fault]:
        return (self._outage, self._suspend, self._set_node_clock)

    def _any_weather(self) -> Weather:
        luck = self._luck
        if self.nobody_dies:
            return Weather(hint_lost=0.3)

        def some(most: float) -> float:
            return luck.choice([0.0, luck.random() * most])

        return Weather(
            lost=some(0.05), reply_lost=some(0.05), late=some(0.02), slow=some(0.05),
            hint_lost=luck.choice([0.0, 0.3, 1.0]), latency=luck.choice([0.0, 0.002, 0.05]),
        )  # fmt: skip

    def _crash(self, node: Node) -> None:
        if not node.is_away:
            node.crash()
            self._later(self._luck.choice([0.1, 3.0, 20.0]) * self._luck.random(), self._back, node)

    def _stop(self, node: Node) -> None:
        if not node.is_away:
            node.stop(then=node.start)

    def _halt(self, node: Node) -> None:
        term = self._ground.terms.rescue_after.total_seconds()
        node.halt()
        self._later(self._luck.choice([0.5, 2.5]) * self._luck.random() * term, node.go_on)

    def _cut_off(self, node: Node) -> None:
        self._note(f"{node.name} is cut off")
        node.wire.cut_until = self._ground.loop.time() + self._luck.choice([1, 20]) * self._share()

    def _outage(self, node: Node) -> None:
        self._note("the database is out of reach")
        seconds = self._luck.choice([0.2, 3, 30, 120]) * self._share()
        self._ground.net.down_until = self._ground.loop.time() + seconds

    def _set_node_clock(self, node: Node) -> None:
        by = self._any_step()
        self._note(f"{node.name}'s clock is set by {by}")
        node.timing.step(by)

    def _set_database_clock(self, node: Node) -> None:
        self._set_clock(self._any_step())

    def _suspend(self, node: Node) -> None:
        """All machines sleep: no time passes for anybody, but the wall clocks go on."""
        by = HOUR * self._share()
        for each in self._ground.nodes:
            each.timing.step(by)
        self._set_clock(by)

    def _change_weather(self, node: Node) -> None:
        self._ground.net.weather = self._any_weather()

    def _set_clock(self, by: timedelta) -> None:
        clock = self._ground.net.database.timing
        assert isinstance(clock, VirtualTiming)
        self._note(f"the database's clock is set by {by}")
        self._asked.passed(clock.now())
        if by < timedelta():
            self._asked.set_back.append(self._ground.net.database.do(_last_token))
        clock.step(by)
        self._ahead.append(clock.ahead)

    def _any_step(self) -> timedelta:
        most = self._luck.choice([timedelta(seconds=1), timedelta(seconds=30), HOUR])
        return most * self._luck.uniform(-1, 1)

    def _share(self) -> float:
        return self._luck.random()

    def _back(self, node: Node) -> None:
        if node.is_away:
            node.start()

    def _later(self, seconds: float, callback: Callable[..., object], *args: object) -> None:
        self._ground.loop.call_later(seconds, callback, *args)

    def _note(self, what: str) -> None:
        self._ground.trace.add("fault", what)
