"""A heart keeps its session alive, brings word of what is to stop, and tells of its end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from onbeat.domain.workers import Pulse
from onbeat.runtime.worker.heartbeat import Heart, InlineHeart, ProcessHeart, ThreadHeart
from onbeat.store import workers
from onbeat.store.store import Store
from tests.contract import world
from tests.runtime.flaky import FlakyStore
from tests.worker.test_ends import gone
from tests.worker.workshop import DEADLINE

EVERY = timedelta(milliseconds=50)
TERM = timedelta(seconds=15)

MakeHeart = Callable[[Store], Heart]


class Ear:
    """What a heart has told."""

    def __init__(self) -> None:
        """Begin having heard nothing."""
        self.pulses: list[Pulse] = []
        self._heard = asyncio.Event()

    def __call__(self, pulse: Pulse) -> None:
        """Hear one; on the loop, so that no lock is needed."""
        self.pulses.append(pulse)
        self._heard.set()

    async def hear(self, wanted: Callable[[Pulse], bool]) -> Pulse:
        """Wait for a pulse like that."""
        async with asyncio.timeout(DEADLINE):
            while not (found := [pulse for pulse in self.pulses if wanted(pulse)]):
                self._heard.clear()
                await self._heard.wait()
        return found[0]


def inline(store: Store) -> Heart:
    return InlineHeart(store, EVERY, TERM)


def in_thread(store: Store) -> Heart:
    return ThreadHeart(store.url, EVERY, TERM)


def in_process(store: Store) -> Heart:
    return ProcessHeart(store.url, EVERY, TERM)


@pytest.fixture(params=[inline, in_thread, in_process], ids=["inline", "thread", "process"])
async def heart(request: pytest.FixtureRequest, live_store: Store) -> AsyncIterator[Heart]:
    """Each kind of heart."""
    heart: Heart = request.param(live_store)
    yield heart
    async with asyncio.timeout(DEADLINE):
        await heart.stop()


@pytest.fixture
def ear() -> Ear:
    """Listens to a heart."""
    return Ear()


async def test_it_puts_the_sessions_end_further_away(
    live_store: Store, heart: Heart, ear: Ear
) -> None:
    session = await world.begin(live_store, TERM / 2)
    [before] = await live_store.read(workers.list_sessions)

    await heart.start(session.id, ear)
    await ear.hear(lambda pulse: pulse.alive)

    [after] = await live_store.read(workers.list_sessions)
    assert before.expires_at is not None
    assert after.expires_at is not None
    assert after.expires_at - before.expires_at > TERM / 3


async def test_it_brings_word_of_a_job_that_is_to_stop(
    live_store: Store, heart: Heart, ear: Ear
) -> None:
    session = await world.begin(live_store)
    claimed = await world.running(live_store, session)
    await heart.start(session.id, ear)

    await world.cancel(live_store, claimed.id, "by ann")

    pulse = await ear.hear(lambda pulse: bool(pulse.stops))
    assert [(each.token, each.reason) for each in pulse.stops] == [(claimed.token, "by ann")]


async def test_it_tells_that_the_session_is_gone(live_store: Store, heart: Heart, ear: Ear) -> None:
    session = await world.begin(live_store)
    await heart.start(session.id, ear)
    await ear.hear(lambda pulse: pulse.alive)

    await _end_session(live_store, session.id)

    await ear.hear(lambda pulse: not pulse.alive)


async def test_a_stopped_heart_beats_no_more(live_store: Store, heart: Heart, ear: Ear) -> None:
    session = await world.begin(live_store)
    await heart.start(session.id, ear)
    await ear.hear(lambda pulse: pulse.alive)
    await heart.stop()
    [before] = await live_store.read(workers.list_sessions)

    heard = len(ear.pulses)
    await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.3)

    [after] = await live_store.read(workers.list_sessions)
    assert (after.expires_at, len(ear.pulses)) == (before.expires_at, heard)


async def test_it_can_be_started_for_another_session(
    live_store: Store, heart: Heart, ear: Ear
) -> None:
    first, second = await world.begin(live_store), await world.begin(live_store)
    await heart.start(first.id, Ear())
    await heart.stop()

    await heart.start(second.id, ear)

    assert (await ear.hear(lambda pulse: True)).alive


async def test_it_beats_on_when_the_store_was_out_of_reach(live_store: Store, ear: Ear) -> None:
    flaky = FlakyStore(live_store)
    flaky.failing["heartbeat"] = 2
    session = await world.begin(live_store)
    heart = InlineHeart(flaky, EVERY, TERM)

    await heart.start(session.id, ear)
    await ear.hear(lambda pulse: pulse.alive)
    await heart.stop()

    assert flaky.calls["heartbeat"] >= 3


@pytest.mark.parametrize("make", [in_thread, in_process], ids=["thread", "process"])
async def test_a_job_that_blocks_the_loop_does_not_make_its_worker_look_dead(
    live_store: Store, make: MakeHeart, ear: Ear
) -> None:
    heart = make(live_store)
    session = await world.begin(live_store, TERM / 2)
    await heart.start(session.id, ear)
    await ear.hear(lambda pulse: pulse.alive)
    [before] = await live_store.read(workers.list_sessions)

    give_up = time.monotonic() + 0.5
    while time.monotonic() < give_up:  # what a job must not do, and does
        pass

    [after] = await live_store.read(workers.list_sessions)
    await heart.stop()
    assert before.expires_at is not None
    assert after.expires_at is not None
    assert after.expires_at - before.expires_at > timedelta(milliseconds=200)


async def test_a_heart_process_that_dies_is_replaced(live_store: Store, ear: Ear) -> None:
    session = await world.begin(live_store)
    heart = ProcessHeart(live_store.url, EVERY, TERM)
    await heart.start(session.id, ear)
    await ear.hear(lambda pulse: pulse.alive)
    assert heart._process is not None

    heart._process.send_signal(signal.SIGKILL)
    await heart._process.wait()
    ear.pulses.clear()

    await ear.hear(lambda pulse: pulse.alive)
    await heart.stop()


class Strained(ProcessHeart):
    """A heart on a machine that cannot start a process now and then."""

    failures = 0

    async def spawn(self, session: str) -> asyncio.subprocess.Process:
        """Fail as often as told."""
        if self.failures:
            self.failures -= 1
            raise OSError("no memory")
        return await super().spawn(session)


async def test_a_heart_process_that_cannot_be_replaced_at_once_is_replaced_later(
    live_store: Store, ear: Ear
) -> None:
    session = await world.begin(live_store)
    heart = Strained(live_store.url, EVERY, TERM)
    await heart.start(session.id, ear)
    await ear.hear(lambda pulse: pulse.alive)
    heart.failures = 2
    assert heart._process is not None
    heart._process.kill()
    await heart._process.wait()
    ear.pulses.clear()

    await ear.hear(lambda pulse: pulse.alive)
    await heart.stop()


class Slow(ProcessHeart):
    """A heart whose process never gets to speak."""

    async def spawn(self, session: str) -> asyncio.subprocess.Process:
        """Start one that only waits."""
        return await asyncio.create_subprocess_exec(
            "sleep", "600", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )


async def test_until_its_process_speaks_a_heart_beats_all_the_same(
    live_store: Store, ear: Ear
) -> None:
    session = await world.begin(live_store)
    heart = Slow(live_store.url, EVERY, TERM)
    heart.stop_seconds = 0.2

    await heart.start(session.id, ear)

    await ear.hear(lambda pulse: pulse.alive)
    await heart.stop()


async def test_a_heart_process_that_does_not_end_is_killed(live_store: Store, ear: Ear) -> None:
    session = await world.begin(live_store)
    heart = ProcessHeart(live_store.url, EVERY, TERM)
    heart.stop_seconds = 0.2
    await heart.start(session.id, ear)
    await ear.hear(lambda pulse: pulse.alive)
    assert heart._process is not None
    process = heart._process
    process.send_signal(signal.SIGSTOP)

    try:
        async with asyncio.timeout(DEADLINE):
            await heart.stop()
    finally:
        if process.returncode is None:
            process.kill()

    await gone(process.pid)


BEATING = """
import asyncio, sys
from datetime import timedelta
from onbeat.runtime.worker.heartbeat import ProcessHeart

async def main():
    heart = ProcessHeart(sys.argv[1], timedelta(seconds=0.05), timedelta(seconds=15))
    await heart.start(sys.argv[2], lambda pulse: None)
    print(heart._process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_heart_process_ends_when_its_worker_is_killed(live_store: Store) -> None:
    session = await world.begin(live_store)
    worker = subprocess.Popen(  # noqa: ASYNC220 - it starts within a millisecond
        [sys.executable, "-c", BEATING, live_store.url, session.id], stdout=subprocess.PIPE
    )
    with worker:
        assert worker.stdout is not None
        pid = int(await asyncio.to_thread(worker.stdout.readline))
        worker.kill()

    await gone(pid)


async def _end_session(store: Store, session: str) -> None:
    await store.write(lambda connection, now: workers.end(connection, now, session))
