"""Aliases: a task that was renamed runs what was stored under its former names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from onbeat import InvalidTask, JobFilter, Onbeat, Settings, every
from onbeat.app.onbeat import Onbeat as App


def bill(order: int) -> str:
    return f"billed {order}"


async def test_jobs_and_schedules_of_a_former_name_are_run(ob: Onbeat) -> None:
    before = App(ob.url, settings=Settings())
    old = before.task(name="bill")(bill)
    waiting = await old.enqueue(1)
    await before.schedules.create("billing", old.bind(2), every("1h"))
    scheduled = await before.schedules.trigger("billing")
    await before.close()

    charge = ob.task(name="charge", aliases=("bill",))(bill)
    async with ob.running(scheduler=False):
        handles = [ob.jobs.handle(job.id, "bill") for job in (waiting, scheduled)]
        results = [await each.result("10s") for each in (*handles, await charge.enqueue(3))]

    assert results == ["billed 1", "billed 2", "billed 3"]


async def test_lists_and_why_say_the_name_it_has_now(ob: Onbeat) -> None:
    old = await ob.jobs.enqueue("bill", '{"order": 1}', must_be_known=False)
    kept = await ob.jobs.enqueue("bill", '{"order": 1}', must_be_known=False)
    await ob.schedules.create("billing", ob.jobs.bind("bill", must_be_known=False), every("1h"))
    charge = ob.task(name="charge", aliases=("bill",))(bill)
    await ob.queues.pause("default", "ann")
    async with ob.running(scheduler=False):
        pass
    new = await charge.enqueue(2)

    listed = await ob.jobs.list(JobFilter(task="charge"))

    assert {job.id for job in listed} == {old.id, kept.id, new.id}
    assert {(job.task, job.runs_as) for job in listed} == {("bill", "charge"), ("charge", None)}
    assert ("renamed", "its task bill is called charge now") in [
        (each.code, each.what) for each in await ob.jobs.why(old.id)
    ]
    assert "renamed" not in [each.code for each in await ob.jobs.why(new.id)]
    assert "renamed" in [each.code for each in await ob.schedules.why("billing")]
    assert (await ob.schedules.find("billing")).runs_as == "charge"


async def test_a_name_that_is_no_alias_any_longer_is_forgotten(ob: Onbeat) -> None:
    ob.task(name="charge", aliases=("bill",))(bill)
    async with ob.running(scheduler=False):
        pass
    after = App(ob.url, settings=Settings())
    after.task(name="bill")(bill)
    async with after.running(scheduler=False):
        pass
    await after.close()

    job = await ob.jobs.enqueue("bill", '{"order": 1}')

    assert (await job.show()).runs_as is None


def other() -> None:
    """Another task."""


def declare_alias_first(ob: Onbeat) -> None:
    ob.task(name="charge", aliases=("bill",))(bill)
    ob.task(name="bill")(other)


def declare_alias_last(ob: Onbeat) -> None:
    ob.task(name="bill")(other)
    ob.task(name="charge", aliases=("bill",))(bill)


def declare_alias_twice(ob: Onbeat) -> None:
    ob.task(name="charge", aliases=("bill",))(bill)
    ob.task(name="pay", aliases=("bill",))(other)


def declare_own_name(ob: Onbeat) -> None:
    ob.task(name="charge", aliases=("charge",))(bill)


def declare_text(ob: Onbeat) -> None:
    ob.task(name="charge", aliases="bill")(bill)


def declare_for_the_same_function(ob: Onbeat) -> None:
    ob.task(name="bill")(bill)
    ob.task(name="charge", aliases=("bill",))(bill)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (
            declare_alias_first,
            r"task: 'bill' is a former name of .*bill, task 'charge'; give name=",
        ),
        (declare_alias_last, r"aliases: charge: 'bill' is taken by .*other; leave it out"),
        (declare_alias_twice, r"aliases: pay: 'bill' is taken by .*bill, task 'charge'; leave it"),
        (declare_own_name, r"aliases: charge: a name is given twice"),
        (declare_text, r"aliases: 'bill' is one text; give a tuple: \('bill',\)"),
        (
            declare_for_the_same_function,
            r"aliases: charge: 'bill' is taken by .*bill; leave it out",
        ),
    ],
)
def test_an_alias_that_is_taken_is_refused(declare: Callable[[Onbeat], Any], message: str) -> None:
    with pytest.raises(InvalidTask, match=message):
        declare(Onbeat("sqlite:///:memory:", settings=Settings()))
