"""A rule of a tag that no task, no schedule and no job has is doubted: it may be mistyped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import insert

from onbeat import Onbeat, Settings, every
from onbeat.app.doctor.rules import examine_rules
from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.rules import Rule, Selector
from onbeat.store import names, tasks
from onbeat.store.schema import marks
from onbeat.store.tasks import KnownTask


@pytest.fixture
async def ob(database_url: str) -> AsyncIterator[Onbeat]:
    """An application whose task, schedule and job have a tag each; a worker told of another."""
    async with Onbeat(database_url, settings=Settings()) as ob:

        @ob.task(tags=("billing",))
        def charge() -> None: ...

        await ob.schedules.create("monthly", charge.bind(), every("30d"), tags=("nightly",))
        await charge.opts(tags=("vip",)).enqueue()
        told = [KnownTask("mail", tags=("team:mail",))]
        await (await ob.store()).write(partial(tasks.tell, known=told))
        yield ob


def _of(*tags: str) -> Rule:
    return replace(DEFAULTS["failed"], name="own", selector=Selector(tags=tags))


@pytest.mark.parametrize(
    "tag", ["billing", "nightly", "vip", "team:mail", "team:*", "v?p", "[a-m]illing", "night*"]
)
async def test_a_tag_that_a_task_a_schedule_or_a_job_has_is_not_doubted(
    ob: Onbeat, tag: str
) -> None:
    assert await ob.rules.doubts(_of(tag)) == []


@pytest.mark.parametrize(
    ("tag", "doubt"),
    [
        ("biling", "nobody knows a tag 'biling' (is billing meant?)"),
        ("nigthly", "nobody knows a tag 'nigthly' (is nightly meant?)"),
        ("vips", "nobody knows a tag 'vips' (is vip meant?)"),
        ("unlike", "nobody knows a tag 'unlike'"),
        ("crew:*", "no tag that is known fits 'crew:*'"),
    ],
)
async def test_a_tag_that_nobody_has_is_doubted_with_the_nearest(
    ob: Onbeat, tag: str, doubt: str
) -> None:
    assert await ob.rules.doubts(_of("billing", tag)) == [f"{doubt}; it holds once there is one"]


async def test_the_doctor_tells_of_it_too(ob: Onbeat) -> None:
    await ob.rules.save(_of("biling"), by="test")

    told = [each.message async for each in examine_rules(ob)]

    assert told == [
        "own: nobody knows a tag 'biling' (is billing meant?); it holds once there is one; "
        "`onbeat rules edit own`"
    ]


async def test_where_no_tag_is_known_none_is_doubted(database_url: str) -> None:
    async with Onbeat(database_url, settings=Settings()) as bare:
        assert await bare.rules.doubts(_of("billing")) == []


async def test_of_very_many_tags_not_all_are_looked_at_and_none_is_doubted(ob: Onbeat) -> None:
    store = await ob.store()
    rows = [{"mark": f"tag:t{number:05}", "job": store.new_id()} for number in range(names.MOST)]
    await store.write(lambda connection, _: connection.execute(insert(marks), rows))

    assert await ob.rules.doubts(_of("biling")) == []
    assert await ob.rules.doubts(_of("t00007")) == []


async def test_an_owner_is_no_tag(ob: Onbeat) -> None:
    @ob.task
    def send() -> None: ...

    await send.opts(owner="ann").enqueue()

    assert await ob.rules.doubts(_of("ann")) == [
        "nobody knows a tag 'ann'; it holds once there is one"
    ]
