"""What is critical, as the document on alerts says it."""

from __future__ import annotations

import asyncio
import re
import shlex
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from onbeat import Onbeat, every
from onbeat.domain.channels import ChannelKind
from onbeat.domain.incidents import Severity
from onbeat.domain.notices import NoticeKind
from onbeat.domain.ties import encode_ties
from onbeat.store.schema import health
from onbeat.store.store import Store
from tests.cli.running import Cli
from tests.contract.beats import create
from tests.contract.judging import judged, listed, schedule_at_work, stands
from tests.contract.troubles import channel
from tests.contract.troubles import told as notices
from tests.timing import ManualTiming

DOCUMENT = (Path(__file__).parents[2] / "docs/alerts.md").read_text()


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either engine, which commands find by themselves."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return database_url


@pytest.fixture
async def critical(cli: Cli, database: str, store: Store) -> None:
    """What the document says is done, where there are the channels that it names: one for all, one
    that is told what nobody sees to.
    """
    await channel(store, "ops")
    await channel(store, "pager", ChannelKind.PAGERDUTY, rules=["none"])
    section = DOCUMENT.partition("## What is critical\n")[2].partition("\n## ")[0]
    for command in re.findall(r"^\$ onbeat (.+)$", section, re.M):
        await asyncio.to_thread(cli.text, *shlex.split(command))


async def fail(store: Store, task: str, times: int) -> None:
    """So many jobs of the task failed in a row, as the watcher counts them."""

    def count(connection: Connection, now: datetime) -> None:
        connection.execute(insert(health).values(
            kind="task", subject=task, completed=0, failed=times, cancelled=0, attempts=times,
            last_failure_at=now, failed_since=times, completed_since=0,
        ))  # fmt: skip

    await store.write(count)


async def severities(store: Store) -> dict[tuple[str, str], Severity]:
    """Of each incident that is told, by its rule and what it is of."""
    found = await listed(store)
    return {(each.rule, each.name): each.severity for each in found if not each.is_hushed}


@pytest.mark.usefixtures("critical")
async def test_a_task_that_is_named_is_critical_and_others_are_as_they_were(
    store: Store, timing: ManualTiming
) -> None:
    await fail(store, "charge", 1)
    await fail(store, "pay.refund", 3)
    await fail(store, "greet", 1)
    await judged(store, timing)

    assert await severities(store) == {
        ("charge-failed", "charge"): Severity.CRITICAL,
        ("charge-in-a-row", "pay.refund"): Severity.CRITICAL,
        ("failed", "greet"): Severity.WARNING,
    }


@pytest.mark.usefixtures("critical")
async def test_a_schedule_that_is_tagged_is_critical_and_others_are_as_they_were(
    store: Store, timing: ManualTiming
) -> None:
    await schedule_at_work(store)
    await create(store, name="vital", ties=encode_ties(["tag:critical"]))
    await create(store, name="usual")
    timing.advance(by=timedelta(days=1, minutes=2))
    await schedule_at_work(store)
    await judged(store, timing)

    assert await severities(store) == {
        ("vital-late", "vital"): Severity.CRITICAL, ("late", "usual"): Severity.WARNING
    }  # fmt: skip


@pytest.mark.usefixtures("critical")
async def test_what_is_critical_and_nobody_sees_to_is_told_on(
    store: Store, timing: ManualTiming
) -> None:
    await fail(store, "charge", 1)
    await judged(store, timing)
    await stands(store, "charge-failed")
    early = await notices(store)
    timing.advance(by=timedelta(minutes=16))
    late = await notices(store)

    assert {each.severity for each in early} == {Severity.CRITICAL}
    assert [each.kind for each in late].count(NoticeKind.ESCALATED) == 1


@pytest.mark.usefixtures("critical")
async def test_a_task_that_is_tagged_in_code_is_critical(
    database: str, store: Store, timing: ManualTiming
) -> None:
    async with Onbeat(database) as ob:

        @ob.task(tags=("critical",))
        async def close() -> None: ...

        async with ob.running():
            pass
    await fail(store, "close", 1)
    await judged(store, timing)

    assert await severities(store) == {("vital-task-failed", "close"): Severity.CRITICAL}


async def test_a_schedule_has_the_tags_of_its_task(database_url: str) -> None:
    async with Onbeat(database_url) as ob:

        @ob.schedule(every("1h"), name="hourly", tags=("books",))
        @ob.task(tags=("critical",))
        async def close() -> None: ...

        async with ob.running():
            assert set((await ob.schedules.find("hourly")).tags) == {"books", "critical"}
