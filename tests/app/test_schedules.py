"""Schedules: those declared in code are brought into the store; those made at run time are left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onbeat import Conflict, InvalidInput, NotFound, Onbeat, Recurrence, Settings, cron, every
from onbeat.runtime.tick import tick
from tests.waiting import wait_for


def report(day: int = 0) -> int:
    return day


def declaring(url: str, *schedules: tuple[str, Recurrence], name: str = "app") -> Onbeat:
    """An application that declares these in code."""
    ob = Onbeat(url, name=name, settings=Settings())
    task = ob.task(name="report")(report)
    for title, when in schedules:
        ob.schedule(when, name=title)(task)
    return ob


async def names(ob: Onbeat) -> list[str]:
    """What is in the store."""
    return [each.name for each in await ob.schedules.list()]


async def deploy(url: str, *schedules: tuple[str, Recurrence], name: str = "app") -> Any:
    """Start that version of the application; what it changed."""
    async with declaring(url, *schedules, name=name) as ob:
        done = await ob.schedules.reconcile()
        return done.added, done.changed, done.retired


async def test_what_is_declared_is_added(database_url: str) -> None:
    assert await deploy(database_url, ("a", every("1h"))) == (("a",), (), ())


async def test_what_is_the_same_is_left_alone(database_url: str) -> None:
    await deploy(database_url, ("a", every("1h")))

    assert await deploy(database_url, ("a", every("1h"))) == ((), (), ())


async def test_what_has_changed_is_changed(database_url: str) -> None:
    await deploy(database_url, ("a", every("1h")))

    assert await deploy(database_url, ("a", every("2h"))) == ((), ("a",), ())


async def test_what_is_declared_no_more_is_retired(database_url: str) -> None:
    await deploy(database_url, ("a", every("1h")), ("b", every("1h")))

    assert await deploy(database_url, ("b", every("1h"))) == ((), (), ("a",))


async def test_what_comes_back_into_the_code_is_what_it_was(database_url: str) -> None:
    """A deploy that was a mistake takes neither record nor pause away."""
    await deploy(database_url, ("a", every("1h")))
    async with declaring(database_url) as ob:
        before = await ob.schedules.find("a")
        await ob.schedules.pause("a", "ann", why="the bank is down")
    await deploy(database_url)
    async with declaring(database_url) as ob:
        retired = await ob.schedules.find("a")
        listed = await ob.schedules.list()
    back = await deploy(database_url, ("a", every("1h")))

    async with declaring(database_url) as ob:
        after = await ob.schedules.find("a")
    assert (retired.retired_at is not None, retired.next_due_at, listed) == (True, None, [])
    assert back == (("a",), (), ())
    assert (after.id, after.paused_why, after.retired_at) == (before.id, "the bank is down", None)
    assert after.next_due_at == before.next_due_at


async def test_the_name_of_one_that_is_gone_is_free(database_url: str) -> None:
    await deploy(database_url, ("a", every("1h")))
    await deploy(database_url)

    async with declaring(database_url) as ob:
        task = ob.task(name="other")(every_day)
        made = await ob.schedules.create("a", task.bind(), every("1h"))

    assert made.source == "api"


async def test_what_another_application_declares_is_left_alone(database_url: str) -> None:
    await deploy(database_url, ("a", every("1h")), name="one")

    assert await deploy(database_url, ("b", every("1h")), name="two") == (("b",), (), ())


async def test_what_was_made_at_run_time_is_left_alone(database_url: str) -> None:
    async with declaring(database_url) as ob:
        task = ob.task(name="other")(every_day)
        await ob.schedules.create("a", task.bind(), every("1h"))
    await deploy(database_url, ("a", every("2h")), ("b", every("1h")))

    async with declaring(database_url) as ob:
        await ob.schedules.reconcile()

        assert await names(ob) == ["a"]


def every_day() -> None:
    """Another task."""


async def test_a_pause_survives_a_deploy_that_changes_the_schedule(database_url: str) -> None:
    await deploy(database_url, ("a", every("1h")))
    async with declaring(database_url) as ob:
        await ob.schedules.pause("a", "ann")
    await deploy(database_url, ("a", every("2h")))

    async with declaring(database_url) as ob:
        assert (await ob.schedules.find("a")).paused_by == "ann"


async def test_a_scheduler_has_reconciled_when_it_is_ready(database_url: str) -> None:
    declared = [(f"s{number}", every("1h")) for number in range(100)]

    async with declaring(database_url, *declared) as ob, ob.running(worker=False):
        there = len(await names(ob))

    assert there == len(declared)


async def test_a_schedule_is_made_at_run_time(ob: Onbeat) -> None:
    task = ob.task(report)

    made = await ob.schedules.create("a", task.bind(day=3), cron("0 2 * * *"), overlap="allow")

    assert (made.name, made.task, made.args.replace(" ", "")) == ("a", "report", '{"day":3}')
    assert made.next_due_at is not None


async def test_a_name_that_is_taken_is_refused(ob: Onbeat) -> None:
    call = ob.task(report).bind()
    await ob.schedules.create("a", call, every("1h"))

    with pytest.raises(Conflict, match="a schedule named 'a' exists"):
        await ob.schedules.create("a", call, every("1h"))


async def test_many_are_made_at_once(ob: Onbeat) -> None:
    call = ob.task(report).bind()

    assert await ob.schedules.create_many([(f"s{n}", call, every("1h")) for n in range(20)]) == 20
    assert len(await ob.schedules.list()) == 20


async def test_a_changed_schedule_is_due_by_its_new_recurrence(ob: Onbeat) -> None:
    before = await ob.schedules.create("a", ob.task(report).bind(), cron("0 2 * * *"))

    after = await ob.schedules.change(replace(before, recurrence=cron("30 5 * * *")))

    assert after.next_due_at is not None
    assert (after.next_due_at.hour, after.version) == (5, before.version + 1)


async def test_a_paused_schedule_makes_no_job_until_it_is_resumed(ob: Onbeat) -> None:
    await ob.schedules.create("a", ob.task(report).bind(), every("1s"))
    await ob.schedules.pause("a", "ann")
    store = await ob.store()
    while_paused = await store.next_due()

    await ob.schedules.resume("a")

    assert while_paused.schedule_at is None
    assert (await store.next_due()).schedule_at is not None


async def test_a_triggered_schedule_makes_a_job_now(ob: Onbeat) -> None:
    await ob.schedules.create("a", ob.task(report).opts(queue="mail").bind(day=3), every("1h"))

    shown = await (await ob.schedules.trigger("a")).show()

    assert (shown.task, shown.queue, shown.args.replace(" ", "")) == ("report", "mail", '{"day":3}')


async def test_a_schedule_can_be_triggered_where_its_task_is_unknown(database_url: str) -> None:
    await deploy(database_url, ("a", every("1h")))

    async with Onbeat(database_url, settings=Settings()) as ob:
        assert (await (await ob.schedules.trigger("a")).show()).task == "report"


async def test_a_removed_schedule_is_gone(ob: Onbeat) -> None:
    await ob.schedules.create("a", ob.task(report).bind(), every("1h"))

    await ob.schedules.remove("a")

    with pytest.raises(NotFound, match="no schedule named 'a'"):
        await ob.schedules.find("a")


@pytest.mark.parametrize("verb", ["find", "remove", "resume", "trigger"])
async def test_a_schedule_that_is_not_there_is_refused(ob: Onbeat, verb: str) -> None:
    with pytest.raises(NotFound, match="no schedule named 'a'"):
        await getattr(ob.schedules, verb)("a")


async def test_occurrences_are_on_record_with_their_jobs(ob: Onbeat) -> None:
    await ob.schedules.create("a", ob.task(report).bind(), every("1s"), overlap="allow")
    store = await ob.store()

    async def has_fired() -> bool:
        return (await tick(store)).fired > 0

    await wait_for(has_fired)

    [(occurrence, job)] = await ob.schedules.occurrences("a")
    assert job is not None
    assert (await ob.jobs.find(job)).occurrence_at == occurrence.due_at


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ({"catch_up": "some"}, "catch_up: 'some' is not known"),
        ({"overlap": "perhaps"}, "overlap: 'perhaps' is not known; give one of skip, allow"),
        ({"limit": 0}, "limit: 0 is out of range"),
        ({"limit": "3"}, "limit: '3' is of type str; give a whole number"),
        ({"start": "2027-01-04"}, "start: '2027-01-04' is of type str; give a datetime"),
        ({"end": "2027-01-04"}, "end: '2027-01-04' is of type str; give a datetime"),
        ({"jitter": 5}, "jitter: 5 is of type int; give text"),
        ({"catchup": "none"}, "catchup: it is no policy; is catch_up meant?"),
        ({"overlapp": "allow"}, "overlapp: it is no policy; is overlap meant?"),
        ({"foo": None}, "foo: it is no policy; use one of catch_up, overlap, start"),
    ],
)
async def test_a_wrong_policy_is_named(ob: Onbeat, policies: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        await ob.schedules.create("a", ob.task(report).bind(), every("1h"), **policies)


def test_a_policy_that_is_none_is_refused_in_code_too() -> None:
    wrong: dict[str, Any] = {"catchup": "none"}

    with pytest.raises(InvalidInput, match="catchup: it is no policy"):
        Onbeat("sqlite:///:memory:", name="app").schedule(every("1h"), **wrong)


async def test_a_call_with_a_delay_cannot_be_scheduled(ob: Onbeat) -> None:
    call = ob.task(report).opts(delay="1h").bind()

    with pytest.raises(InvalidInput, match="a schedule decides itself when its jobs run"):
        await ob.schedules.create("a", call, every("1h"))


def test_a_schedule_declared_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the schedule 'a' is declared twice; give name"):
        declaring("sqlite:///:memory:", ("a", every("1h")), ("a", every("2h")))
