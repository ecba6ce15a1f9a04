"""Random workflows with random outcomes: each job ends as the policy says, and exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onbeat.domain.errors import Conflict
from onbeat.domain.jobs import ClaimedJob
from onbeat.domain.states import State
from onbeat.domain.workers import Session
from onbeat.domain.workflows import WorkflowState
from onbeat.store import history, jobs
from onbeat.store.opening import open_store
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.flows import Flow, Waits, follow, started
from tests.contract.world import acked, begin, cancel
from tests.timing import ManualTiming

ENDS = {"complete": State.COMPLETED, "bury": State.FAILED, "stop": State.CANCELLED}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Jobs that wait for any of those before them, for their success or for any end."""
    waits: dict[str, list[str]] = {}
    for number in range(draw(st.integers(1, 10))):
        known = sorted(waits)
        parents = draw(st.lists(st.sampled_from(known), unique=True, max_size=4)) if known else []
        waits[f"j{number}"] = [parent + draw(st.sampled_from(["", "?"])) for parent in parents]
    return waits


def expected(
    waits: Waits,
    ends: Mapping[str, State],
    by_hand: set[str],
    revived: set[str],
    on_failure: str,
) -> dict[str, State]:
    """What becomes of each job, said once more in the simplest way there is.

    Who revives a job runs it, whatever it waited for.
    """
    states: dict[str, State] = {}
    for label, parents in waits.items():
        failed = {each for each in parents if states[each.rstrip("?")] is not State.COMPLETED}
        needed = failed if on_failure == "end" else {each for each in failed if "?" not in each}
        is_off = label not in revived and (needed or label in by_hand)
        states[label] = State.CANCELLED if is_off else ends[label]
    return states


class Play:
    """One worker and one operator, who act in an order that is drawn."""

    def __init__(self, store: Store, flow: Flow, session: Session, ends: Mapping[str, str]) -> None:
        self.store = store
        self.flow = flow
        self.session = session
        self.ends = dict(ends)
        self.running: list[ClaimedJob] = []
        self.by_hand: set[str] = set()
        self.revived: set[str] = set()
        self.labels = {job: label for label, job in flow.jobs.items()}

    async def act(self, action: str, pick: int) -> None:
        """Do one thing."""
        match action:
            case "claim":
                self.running += await self.store.claim(self.session.id, ["default"], 1 + pick % 3)
            case "end" if self.running:
                await self._end(self.running.pop(pick % len(self.running)))
            case "release" if self.running:
                taken = self.running.pop(pick % len(self.running))
                await acked(self.store, factories.ack(taken, "release"))
            case "cancel":
                await self._cancel(sorted(self.flow.jobs)[pick % len(self.flow.jobs)])
            case "follow":
                await follow(self.store)
            case _:
                assert (await verify(self.store)).breaches == []

    async def _end(self, taken: ClaimedJob) -> None:
        await acked(self.store, factories.ack(taken, self.ends[self.labels[taken.id]]))

    async def _cancel(self, label: str) -> None:
        job = self.flow.jobs[label]
        if job in {each.id for each in self.running}:
            return
        with suppress(Conflict):
            await cancel(self.store, job)
            self.by_hand.add(label)

    async def finish(self) -> None:
        """Go on until nothing is left to do."""
        while True:
            self.running += await self.store.claim(self.session.id, ["default"], 100)
            if not self.running and not await follow(self.store):
                return
            while self.running:
                await self._end(self.running.pop())


async def successes(store: Store, flow: Flow) -> dict[str, int]:
    """How often each job has succeeded."""
    counts = {}
    for label, job in flow.jobs.items():
        found = await store.read(partial(history.list_attempts, job=job))
        counts[label] = sum(each.outcome == "succeeded" for each in found)
    return counts


async def play(
    store: Store, waits: Waits, on_failure: str, moves: list[str], actions: list[tuple[str, int]]
) -> None:
    """Play it; then run again some of what did not succeed, until all has."""
    flow = await started(store, waits, on_failure=on_failure)
    game = Play(store, flow, await begin(store), dict(zip(waits, moves, strict=False)))
    for action, pick in actions:
        await game.act(action, pick)
    await game.finish()
    while unsuccessful := await check(game, waits, on_failure):
        for label in unsuccessful[: 1 + len(unsuccessful) // 2]:
            game.ends[label] = "complete"
            game.revived.add(label)
            await store.write(partial(jobs.revive, job=flow.jobs[label]))
        assert (await verify(store)).breaches == []
        await game.finish()
    assert (await flow.show()).state is WorkflowState.COMPLETED


async def check(game: Play, waits: Waits, on_failure: str) -> list[str]:
    """Compare what came of it with what the policy says; who did not succeed by its own doing."""
    states = await game.flow.states()
    told = {label: ENDS[move] for label, move in game.ends.items()}
    assert states == expected(waits, told, game.by_hand, game.revived, on_failure)
    assert await successes(game.store, game.flow) == {
        label: int(state is State.COMPLETED) for label, state in states.items()
    }
    shown = await game.flow.show()
    assert (shown.ended, shown.ended_at is None) == (len(waits), False)
    assert shown.failed == list(states.values()).count(State.FAILED)
    assert shown.cancelled == list(states.values()).count(State.CANCELLED)
    assert (await verify(game.store)).breaches == []
    reasons = {label: await game.flow.reason(label) or "" for label in states}
    return [
        label for label, state in states.items()
        if state is not State.COMPLETED and "it waits for that" not in reasons[label]
    ][::-1]  # fmt: skip


@contextmanager
def store_on(url: str) -> Iterator[tuple[asyncio.Runner, Store]]:
    """One open store and one loop for all histories."""
    with asyncio.Runner() as runner:
        store = open_store(url, timing=ManualTiming())
        runner.run(store.open())
        yield runner, store
        runner.run(store.close())


def play_many(url: str, examples: int) -> None:
    """Play drawn workflows on the database at `url`."""
    acts = st.sampled_from(["claim", "end", "release", "cancel", "follow", "verify"])

    with store_on(url) as (runner, store):

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            waits=graphs(),
            on_failure=st.sampled_from(["continue", "end"]),
            moves=st.lists(st.sampled_from(sorted(ENDS)), min_size=10, max_size=10),
            actions=st.lists(st.tuples(acts, st.integers(0, 99)), max_size=25),
        )
        def played(
            waits: Waits, on_failure: str, moves: list[str], actions: list[tuple[str, int]]
        ) -> None:
            runner.run(play(store, waits, on_failure, moves, actions))

        played()


def test_on_sqlite_each_job_ends_as_the_policy_says() -> None:
    play_many("sqlite:///:memory:", 50)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_on_postgresql_each_job_ends_as_the_policy_says(database_url: str) -> None:
    play_many(database_url, 12)
