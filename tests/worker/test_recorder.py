"""What runs tell is written in batches; nothing of it is lost or stuck when the store is away."""

from __future__ import annotations

from datetime import UTC, datetime

from onbeat.domain.jobs import ClaimedJob
from onbeat.runtime.run import Run
from onbeat.runtime.worker.recorder import Recorder
from onbeat.store import history
from onbeat.store.store import Store
from tests.contract import world
from tests.runtime.flaky import FlakyStore
from tests.waiting import wait_for


class Keeper:
    """Stands in the executor's place."""

    def __init__(self, recorder: Recorder) -> None:
        self.told = recorder.told

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0

    def is_draining(self) -> bool:
        return False


def a_run(claimed: ClaimedJob, recorder: Recorder) -> Run:
    """A run of the job that is told to the recorder."""
    return Run(claimed, None, Keeper(recorder))


async def messages(store: Store, claimed: ClaimedJob) -> list[str]:
    """The lines on record."""
    lines = await store.read(lambda c, now: history.list_lines(c, now, claimed.id))
    return [each.line.message for each in lines]


async def test_lines_written_while_the_store_is_away_are_kept(live_store: Store) -> None:
    store = FlakyStore(live_store)
    recorder = Recorder(store)
    claimed = await world.running(live_store)
    run = a_run(claimed, recorder)
    await recorder.start()
    store.failing["write"] = 1

    run.log.info("one")
    await wait_for(lambda: _wrote(store, 1))
    run.log.info("two")
    await wait_for(lambda: _has(live_store, claimed, 2))
    await recorder.stop()

    assert await messages(live_store, claimed) == ["one", "two"]


async def test_lines_whose_answer_was_lost_do_not_hold_up_the_next(live_store: Store) -> None:
    store = FlakyStore(live_store)
    recorder = Recorder(store)
    claimed = await world.running(live_store)
    run = a_run(claimed, recorder)
    await recorder.start()
    store.answers_lost["write"] = 1

    run.log.info("one")
    await wait_for(lambda: _wrote(store, 1))
    run.log.info("two")
    await wait_for(lambda: _has(live_store, claimed, 2))
    await recorder.stop()

    assert await messages(live_store, claimed) == ["one", "two"]


async def test_what_is_told_last_is_written_when_it_stops(live_store: Store) -> None:
    recorder = Recorder(live_store)
    claimed = await world.running(live_store)
    run = a_run(claimed, recorder)
    await recorder.start()

    run.log.info("last words")
    await recorder.stop()

    assert await messages(live_store, claimed) == ["last words"]


async def test_progress_told_while_the_store_is_away_is_kept(live_store: Store) -> None:
    store = FlakyStore(live_store)
    recorder = Recorder(store)
    claimed = await world.running(live_store)
    run = a_run(claimed, recorder)
    await recorder.start()
    store.failing["write"] = 1

    run.progress(0.5)
    await wait_for(lambda: _shows(live_store, claimed, 0.5))
    await recorder.stop()


async def _wrote(store: FlakyStore, times: int) -> bool:
    return store.calls["write"] >= times


async def _has(store: Store, claimed: ClaimedJob, count: int) -> bool:
    return len(await messages(store, claimed)) >= count


async def _shows(store: Store, claimed: ClaimedJob, progress: float) -> bool:
    return (await world.find(store, claimed.id)).progress == progress
