"""One drill: a fleet over three regions at work, one of them cut off, and back.

Somebody asks for jobs in every region all the while, and a schedule in each is due every second.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from onbeat import Onbeat, every
from onbeat.domain.errors import StoreUnavailable
from onbeat.store.store import Store
from tests.conftest import opened
from tests.hosts import record
from tests.hosts.app import REGIONS, made
from tests.hosts.fleet import DATABASE, Fleet, Ground
from tests.hosts.laws import Cut, Figures, judge
from tests.hosts.network import Network
from tests.hosts.record import Asked
from tests.outages.record import of_stderr
from tests.waiting import wait_for

DEADLINE = 60.0
SOON = 15.0
"""Seconds from the end of the fault until every host is to be at work again."""

ASK_EVERY = 0.2
BACKLOG = 60
"""Jobs that are asked for in the region just before it goes: more than its worker takes at once."""


@dataclass(frozen=True)
class Pace:
    """The terms of a fleet, in seconds, and what runs on each host."""

    heartbeat: float
    rescue: float
    silence: float
    patience: float
    parts: Sequence[str]

    @property
    def settings(self) -> dict[str, str]:
        """The terms as processes are told."""
        return {
            "ONBEAT_HEARTBEAT": f"{self.heartbeat}s",
            "ONBEAT_RESCUE_AFTER": f"{self.rescue}s",
            "UNAVAILABLE_AFTER": f"{self.silence}s",
            "MOVE_AFTER": f"{self.patience}s",
        }

    @property
    def long(self) -> float:
        """How long a job takes that is to outlive the term of the worker it runs in."""
        return 1.5 * self.rescue + 2


BRISK = Pace(0.5, 3.0, 2.0, 4.0, ("up",))
EARNEST = Pace(5.0, 15.0, 30.0, 120.0, ("worker", "scheduler"))
"""The defaults."""


@dataclass(frozen=True)
class Fault:
    """What happens to the network."""

    name: str
    hosts: Sequence[str]
    """Who cannot reach the database, or be reached from it."""
    strike: Callable[[Network], AbstractContextManager[None]]
    rescues: bool = True
    """Whether others can, who take over."""


FAULTS = (
    Fault("us is cut off", ("us",), lambda network: network.cut("us")),
    Fault("eu hears nothing", ("eu",), lambda network: network.one_way(DATABASE, "eu")),
    Fault("ap is not heard", ("ap",), lambda network: network.one_way("ap", DATABASE)),
    Fault("nobody reaches db", REGIONS, lambda network: network.cut(DATABASE), rescues=False),
)


@dataclass
class Report:
    """What came of a drill."""

    fault: str
    figures: Figures = field(default_factory=Figures)
    away: float = 0.0
    """Seconds for which it lasted."""
    back_after: float = 0.0
    """Seconds from its end until each host had begun a job."""

    @property
    def wrong(self) -> list[str]:
        """What must not be."""
        return self.figures.wrong


def drill(fault: Fault, on: Ground, folder: Path, pace: Pace, say: Callable[[str], None]) -> Report:
    """Do it all, on a database of its own, which is gone afterwards."""
    name = f"hosts_{uuid.uuid4().hex}"
    url = on.server.create_database(name)
    fleet = Fleet(on.network, url, folder, pace.settings)
    ob = made(url, silence=f"{pace.silence}s", patience=f"{pace.patience}s")
    try:
        return asyncio.run(Drill(fault, on.network, fleet, ob, folder, pace, say).run())
    finally:
        fleet.end()
        on.server.drop_database(name)


class Drill:
    """A fleet on a network, and what happens to it."""

    def __init__(
        self, fault: Fault, network: Network, fleet: Fleet, ob: Onbeat, folder: Path, pace: Pace,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Prepare to let `fault` happen."""
        self._fault = fault
        self._network = network
        self._fleet = fleet
        self._ob = ob
        self._folder = folder
        self._pace = pace
        self._say = say
        self._asked: list[Asked] = []
        self._long: set[str] = set()
        self._homes: dict[str, str] = {}

    async def run(self) -> Report:
        """Do it all."""
        await self._ob.migrate()
        async with self._ob, opened(self._ob.url) as store:
            await asyncio.to_thread(self._fleet.start, self._pace.parts)
            self._say(f"{len(REGIONS)} hosts run {' and '.join(self._pace.parts)} each")
            await self._make_schedules()
            asking = asyncio.create_task(self._keep_asking())
            try:
                report = await self._happen(store)
            finally:
                asking.cancel()
                with suppress(asyncio.CancelledError):
                    await asking
            await self._finish(store, report)
            return report

    async def _happen(self, store: Store) -> Report:
        """Warm up, cut, hold, let go, and wait until all are back."""
        await self._await_work(REGIONS, time.time())
        await self._occupy()
        self._homes |= await record.homes(store)
        began = time.time()
        with self._fault.strike(self._network):
            self._say(f"{self._fault.name}, with {len(self._long)} long jobs running")
            await self._hold(store, began)
            ended = time.time()
        self._say(f"over after {ended - began:.1f} s")
        back = await self._await_work(REGIONS, ended)
        self._say(f"all hosts at work {back - ended:.1f} s later")
        self._homes |= await record.homes(store)
        self._cut = Cut(self._fault.hosts, began, ended)
        return Report(self._fault.name, away=ended - began, back_after=back - ended)

    async def _make_schedules(self) -> None:
        for region in REGIONS:
            call = self._ob.jobs.bind("check").opts(region=region)
            await self._ob.schedules.create(
                f"each-second-{region}",
                call,
                every("1s"),
                overlap="allow",
                catch_up="all within 1h",
            )

    async def _keep_asking(self) -> None:
        """Ask for a job in each region, and for one anywhere, again and again."""
        while True:
            for region in (*REGIONS, None):
                with suppress(StoreUnavailable):
                    await self._ask(region, 1, 0.02)
            await asyncio.sleep(ASK_EVERY)

    async def _ask(self, region: str | None, count: int, seconds: float) -> list[str]:
        call = self._ob.jobs.bind("check", f'{{"seconds": {seconds}}}').opts(region=region)
        at = time.time()
        jobs = [
            str(each.id).replace("-", "") for each in await self._ob.enqueue_many([call] * count)
        ]
        self._asked += [Asked(job, at) for job in jobs]
        return jobs

    async def _occupy(self) -> None:
        """Have a long job running on each host, and jobs waiting where nobody will be."""
        for region in REGIONS:
            self._long |= set(await self._ask(region, 1, self._pace.long))
        await self._await_words("begun", self._long)
        for region in self._fault.hosts:
            await self._ask(region, BACKLOG, 0.2)

    async def _hold(self, store: Store, began: float) -> None:
        """Until others have done what the hosts that are away had, and these theirs in vain."""
        if not self._fault.rescues:
            await asyncio.sleep(2 * self._pace.rescue)
            return
        settled = began + self._pace.rescue + self._pace.silence
        await wait_for(partial(_is_past, settled), DEADLINE, "the term of the region")
        left = {each.job for each in self._asked if each.at <= settled}
        seconds = DEADLINE + self._pace.patience
        await wait_for(partial(self._all_ended, store, left), seconds, "the end of what was left")
        await self._await_words("done", self._long, self._fault.hosts)

    async def _all_ended(self, store: Store, jobs: set[str]) -> bool:
        return await record.count_open(store, jobs) == 0

    async def _await_words(self, word: str, jobs: set[str], hosts: Sequence[str] = REGIONS) -> None:
        """Until on each of these hosts one of the jobs has noted the word."""

        async def is_noted() -> bool:
            lines = record.effects(self._folder)
            return {each.host for each in lines if each.job in jobs and each.word == word} >= set(
                hosts
            )

        await wait_for(is_noted, DEADLINE, f"{word} of long jobs on {hosts}")

    async def _await_work(self, hosts: Sequence[str], since: float) -> float:
        """When the last of the hosts began its first job after `since`."""

        def firsts() -> dict[str, float]:
            found: dict[str, float] = {}
            for each in record.effects(self._folder):
                if each.word == "begun" and each.at > since:
                    found[each.host] = min(each.at, found.get(each.host, each.at))
            return found

        async def all_work() -> bool:
            return set(firsts()) >= set(hosts)

        await wait_for(all_work, DEADLINE, "work on every host")
        return max(firsts().values())

    async def _finish(self, store: Store, report: Report) -> None:
        """Let everything end in good order, and compare."""
        for region in REGIONS:
            await self._ob.schedules.pause(f"each-second-{region}", by="drill")

        async def none_open() -> bool:
            return await self._all_ended(store, await record.booked(store))

        await wait_for(none_open, DEADLINE, "the end of all jobs")
        rescues = self._fault.rescues
        report.figures = judge(
            await record.tell(store, self._folder, self._cut, self._asked, self._homes, rescues)
        )
        if report.back_after > SOON:
            report.wrong.append(f"a host was at work only {report.back_after:.1f} s later")
        report.wrong.extend(await asyncio.to_thread(self._fleet.stop))
        report.wrong.extend(of_stderr(self._fleet.errors))


async def _is_past(moment: float) -> bool:
    return time.time() > moment
