"""A task that fails is told of once, by the rule that says most, and its recovery in any case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.incidents import Change, State
from onbeat.domain.rules import Limits
from onbeat.runtime.judge import Judge
from onbeat.store.store import Store
from tests.contract.judging import judged, listed, save, stands, told
from tests.contract.test_judge import SOON, failed
from tests.contract.test_watcher import ended, watched
from tests.timing import ManualTiming


async def many_failed(store: Store, timing: ManualTiming) -> Judge:
    """All of the last jobs of a task failed, and were judged; enough for a share of them to
    count.
    """
    await save(store, replace(DEFAULTS["failure-rate"], limits=Limits(share=0.2, least=5)))
    await failed(store, timing, 6)
    return await judged(store, timing)


async def test_a_task_of_which_all_fails_is_told_of_once(
    store: Store, timing: ManualTiming
) -> None:
    await many_failed(store, timing)
    assert [(each.rule, each.is_hushed) for each in await listed(store)] == [("in-a-row", False)]


async def test_what_was_told_as_failures_in_a_row_is_not_told_as_a_share_when_it_is_over(
    store: Store, timing: ManualTiming
) -> None:
    judge = await many_failed(store, timing)
    await ended(store, timing, "complete")
    await watched(store, timing)
    await judged(store, timing, judge, rounds=2)
    assert [(each.rule, each.state) for each in await listed(store)] == [
        ("in-a-row", State.RESOLVED)
    ]


async def test_what_fails_again_after_a_success_is_told_as_a_share_and_not_as_one_failure_besides(
    store: Store, timing: ManualTiming
) -> None:
    judge = await many_failed(store, timing)
    timing.advance(by=SOON)
    await ended(store, timing, "complete")
    await watched(store, timing)
    await judged(store, timing, judge)
    await failed(store, timing)
    await judged(store, timing, judge)
    assert [(each.rule, each.state) for each in await listed(store) if not each.is_hushed] == [
        ("failure-rate", State.OPEN), ("in-a-row", State.RESOLVED),
    ]  # fmt: skip


async def test_a_share_of_failures_that_was_told_is_hushed_while_all_fails_and_its_end_is_told(
    store: Store, timing: ManualTiming
) -> None:
    await save(store, replace(DEFAULTS["failure-rate"], limits=Limits(share=0.2, least=5)))
    for move in ("complete", "complete", "complete", "bury", "bury"):
        await ended(store, timing, move)
    await watched(store, timing)
    judge = await judged(store, timing)
    first = await stands(store, "failure-rate")
    await failed(store, timing)
    await judged(store, timing, judge)
    beside = await stands(store, "failure-rate")
    timing.advance(by=timedelta(hours=2))
    await ended(store, timing, "complete")
    await watched(store, timing)
    await judged(store, timing, judge)

    assert (first.is_hushed, beside.inhibited_by) == (False, "in-a-row")
    assert (await told(store, first))[-1] == Change.RESOLVED
