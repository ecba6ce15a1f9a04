"""What is told of a task is found by the tags that it has in code, and by those of its jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.incidents import Incident, Severity
from onbeat.domain.recurrence import every
from onbeat.domain.rules import Limits, Selector
from onbeat.domain.silences import Matcher, Silence
from onbeat.domain.ties import TieKind, tie
from onbeat.runtime.watcher import Watcher
from onbeat.store import rules, tasks, trying
from onbeat.store.store import Store
from onbeat.store.tasks import KnownTask
from tests.contract.beats import create
from tests.contract.judging import judged, listed, save, schedule_at_work, stands
from tests.contract.test_judge import failed
from tests.contract.test_watcher import ended, watched
from tests.contract.troubles import channel
from tests.contract.troubles import told as notices
from tests.contract.world import running
from tests.timing import ManualTiming

MONEY = Selector(tags=("money",))


@pytest.fixture
async def tagged(store: Store) -> None:
    """A worker has told of its tasks: one has a tag, and had another name before."""
    known = [
        KnownTask("send", tags=("money", "slow")),
        KnownTask("post", runs_as="send", tags=("money",)),
        KnownTask("greet"),
    ]  # fmt: skip
    await store.write(partial(tasks.tell, known=known))


async def silenced(store: Store, *tags: str) -> Silence:
    """What has one of these tags is silenced for an hour."""
    now = await store.read(lambda _, now: now)
    made = Silence(
        id=store.new_id(), matcher=Matcher(tags=tags), reason="a deploy", by="ann", begins_at=now,
        ends_at=now + timedelta(hours=1), created_at=now,
    )  # fmt: skip
    await store.write(partial(rules.add_silence, made=made))
    return made


async def names(store: Store, *of: str) -> Sequence[tuple[str, str]]:
    """Rule and subject of each incident of these rules."""
    found: list[Incident] = [each for each in await listed(store) if each.rule in of]
    return sorted((each.rule, each.name) for each in found)


@pytest.mark.usefixtures("tagged")
async def test_a_rule_by_tags_takes_the_tasks_that_have_them_from_the_one_for_all(
    store: Store, timing: ManualTiming
) -> None:
    own = replace(DEFAULTS["failed"], name="money", selector=MONEY, severity=Severity.CRITICAL)
    await save(store, own)
    for task in ("send", "post", "greet"):
        await ended(store, timing, "bury", task=task)
    await watched(store, timing)

    await judged(store, timing)

    assert await names(store, "money", "failed") == [
        ("failed", "greet"), ("money", "post"), ("money", "send"),
    ]  # fmt: skip


@pytest.mark.usefixtures("tagged")
async def test_jobs_that_hang_are_found_by_the_tags_of_their_task(
    store: Store, timing: ManualTiming
) -> None:
    await save(store, replace(DEFAULTS["stuck"], name="money", selector=MONEY))
    await running(store, task="send")
    await running(store, task="greet")
    timing.advance(by=timedelta(hours=2))

    await judged(store, timing)

    assert await names(store, "money", "stuck") == [("money", "send"), ("stuck", "greet")]


@pytest.mark.usefixtures("tagged")
async def test_a_schedule_is_found_by_the_tags_that_workers_told_of_its_task(
    store: Store, timing: ManualTiming
) -> None:
    await schedule_at_work(store)
    await save(store, replace(DEFAULTS["late"], name="money", selector=MONEY))
    await create(store, name="nightly", task="send", recurrence=every("1h"))
    await create(store, name="greeting", task="greet", recurrence=every("1h"))
    timing.advance(by=timedelta(hours=1, minutes=2))
    await schedule_at_work(store)

    await judged(store, timing)

    assert await names(store, "money", "late") == [("late", "greeting"), ("money", "nightly")]


@pytest.mark.usefixtures("tagged")
async def test_a_silence_by_a_tag_covers_the_tasks_that_have_it(
    store: Store, timing: ManualTiming
) -> None:
    made = await silenced(store, "mon*")
    await failed(store, timing)
    await judged(store, timing)

    assert (await stands(store, "failed")).silenced_by == made.id


async def test_a_silence_by_a_tag_covers_the_task_whose_job_with_it_failed_as_channels_do(
    store: Store, timing: ManualTiming
) -> None:
    made = await silenced(store, "vip")
    await ended(store, timing, "bury", ties=(tie(TieKind.TAG, "vip"),))
    await watched(store, timing)
    judge = await judged(store, timing)
    first = (await stands(store, "failed")).silenced_by
    timing.advance(by=timedelta(minutes=6))
    await judged(store, timing, judge)

    assert (first, (await stands(store, "failed")).silenced_by) == (made.id, made.id)


@pytest.mark.usefixtures("tagged")
async def test_a_channel_for_a_tag_hears_of_a_task_that_has_it_whatever_its_job_had(
    store: Store, timing: ManualTiming
) -> None:
    await channel(store, "money", tags=["money"])
    await channel(store, "vip", tags=["vip"])
    await ended(store, timing, "bury", ties=(tie(TieKind.TAG, "vip"),))
    await ended(store, timing, "bury", task="greet")
    await watched(store, timing)
    await judged(store, timing)

    told = await notices(store)

    assert [[item.name for item in each.items] for each in told] == [["send"], ["send"]]


@pytest.mark.usefixtures("tagged")
async def test_the_past_is_looked_at_by_tags_too(store: Store, timing: ManualTiming) -> None:
    since = await store.read(lambda _, now: now)
    watcher = Watcher(store)
    for task in ("send", "greet"):
        await ended(store, timing, "bury", task=task)
    await watched(store, timing, watcher)
    rule = replace(
        DEFAULTS["in-a-row"], name="money", selector=MONEY,
        limits=Limits(times=1, window=timedelta(days=7)),
    )  # fmt: skip

    past = await store.read(partial(trying.past, rule=rule, since=since))

    assert [each.subject for each in past.episodes] == ["send"]
