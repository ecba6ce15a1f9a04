"""Who comes back misses nothing, to whatever process they come; or is told to read anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from onbeat import Onbeat, Retry, Run
from onbeat.api.live.position import read_position
from tests.api.live.listener import LATER, Frame, Listener, has_all, listening, served
from tests.waiting import wait_for


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[str]:
    """Where another process serves the same database; nobody has listened to it yet."""
    async with Onbeat(database_url) as ob, served(ob) as address:
        yield address


async def asked(ob: Onbeat, count: int) -> list[str]:
    """So many jobs, one after the other."""
    return [(await ob.jobs.enqueue("send", must_be_known=False)).id for _ in range(count)]


async def followed(ob: Onbeat, address: str, token: str, *topics: str) -> str:
    """Follow, be told of a job, and leave; up to where that was."""
    async with listening(address, token) as listener:
        await listener.follow(*topics)
        await listener.told_of(await asked(ob, 1))
        assert listener.seq is not None
        return listener.seq


async def test_to_the_same_process(ob: Onbeat, address: str, token: str) -> None:
    place = await followed(ob, address, token, "jobs")
    missed = await asked(ob, 20)

    async with listening(address, token) as listener:
        await listener.follow("jobs", since=place)
        found = await listener.told_of(missed)

    assert {each["id"] for each in found} == set(missed)


async def test_to_another_process_that_others_listen_to(
    ob: Onbeat, address: str, other: str, token: str
) -> None:
    async with listening(other, token) as there:
        await there.follow("workers")
        place = await followed(ob, address, token, "jobs")
        missed = await asked(ob, 20)

        async with listening(other, token) as listener:
            await listener.follow("jobs", since=place)
            found = await listener.told_of(missed)

    assert {each["id"] for each in found} == set(missed)


async def test_to_another_process_that_just_began(
    ob: Onbeat, address: str, other: str, token: str
) -> None:
    place = await followed(ob, address, token, "jobs")
    missed = await asked(ob, 20)

    async with listening(other, token) as listener:
        await listener.follow("jobs", since=place)
        found = await listener.told_of(missed)

    assert {each["id"] for each in found} >= set(missed)
    assert "refetch" not in {each.get("type") for each in found}


async def test_to_another_process_of_jobs_that_failed_meanwhile(
    ob: Onbeat, address: str, other: str, token: str
) -> None:
    """That an attempt ended is seen by who looked while it ran; it waits for another now."""

    @ob.task(retry=Retry(5, base="1h"))
    async def fail() -> None:
        raise ValueError("no")

    place = await followed(ob, address, token, "jobs")
    job = (await ob.jobs.enqueue("fail")).id
    async with ob.running(scheduler=False):
        await wait_for(lambda: is_retrying(ob, job))

    async with listening(other, token) as listener:
        await listener.follow("jobs", since=place)
        found = await listener.changes(lambda found: has_all(found, "waits"))

    assert {each["id"] for each in found if each["what"] == "waits"} == {job}


async def is_retrying(ob: Onbeat, job: str) -> bool:
    """Whether its next attempt is waited for."""
    return (await ob.jobs.find(job)).state == "retrying"


async def test_with_the_lines_that_were_written_meanwhile(
    ob: Onbeat, address: str, other: str, token: str
) -> None:
    @ob.task
    async def talk(run: Run) -> None:
        for number in range(30):
            run.log.info(str(number))

    job = (await ob.jobs.enqueue("talk", options=LATER)).id
    async with listening(address, token) as listener:
        await listener.follow(f"job:{job}")
        place = listener.seq
    async with ob.running(scheduler=False):
        await ob.jobs.retry(job)
        await wait_for(lambda: has_ended(ob, job))

    async with listening(other, token) as listener:
        await listener.follow(f"job:{job}", since=place)
        found = await listener.changes(lambda found: count_of(found, "line") >= 30)

    lines = [each["message"] for each in found if each["what"] == "line"]
    assert lines == [str(number) for number in range(30)]


async def has_ended(ob: Onbeat, job: str) -> bool:
    """Whether it has, with all its lines."""
    return (await ob.jobs.find(job)).finished_at is not None and len(await ob.jobs.log(job)) == 30


def count_of(found: list[Frame], what: str) -> int:
    """How often it happened."""
    return sum(each.get("what") == what for each in found)


async def test_from_too_long_ago_is_to_read_anew(
    ob: Onbeat, address: str, token: str, listener: Listener
) -> None:
    place = read_position(await followed(ob, address, token, "jobs"))
    an_hour = timedelta(hours=1)
    old = replace(place, at=place.at - an_hour, complete_before=place.complete_before - an_hour)

    await listener.follow("jobs", since=str(old))

    assert (await listener.frame())["topics"] == ["jobs"]


async def test_from_a_time_that_is_yet_to_come_is_to_read_anew(
    ob: Onbeat, address: str, token: str, listener: Listener
) -> None:
    place = read_position(await followed(ob, address, token, "jobs"))

    await listener.follow("jobs", since=str(replace(place, at=place.at + timedelta(hours=1))))

    assert (await listener.frame())["type"] == "refetch"


async def test_what_is_told_anew_comes_before_what_is_new(
    ob: Onbeat, address: str, token: str
) -> None:
    """Who leaves between the two goes on from the older one."""
    place = await followed(ob, address, token, "jobs")
    await asked(ob, 5)
    async with listening(address, token) as listener:
        frame = await listener.follow("jobs", since=place)

    assert frame["seq"] == place
