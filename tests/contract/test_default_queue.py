"""The default queue of regions: what no region could take leaves it for one that can."""

from __future__ import annotations

from functools import partial

import msgspec

from onbeat.domain.events import Event, JobsMoved
from onbeat.domain.regions import Route, describe
from onbeat.store import why
from onbeat.store.store import Store
from onbeat.store.verify.walk import verify
from tests import factories
from tests.contract.test_regions import declare, mover, work_in
from tests.contract.world import find
from tests.timing import ManualTiming


async def test_what_no_region_could_take_moves_to_one_that_can_as_each_job_wishes(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    wished = {asked: describe(asked, Route("checks", None)) for asked in ("us", "eu", "mars")}
    to_us, to_eu, to_gone = factories.jobs(3, queue="checks")
    anywhere = factories.job(queue="checks")
    wanted = [
        msgspec.structs.replace(job, route=route)
        for job, route in zip((to_us, to_eu, to_gone), wished.values(), strict=True)
    ]
    await store.enqueue([*wanted, anywhere])
    timing.advance(seconds=119)
    await work_in(store, "us")
    heard: list[Event] = []
    duty = mover(store, heard)
    await duty.step()
    assert (await find(store, to_us.id)).queue == "checks"

    timing.advance(seconds=1)
    await duty.step()

    for job in (to_us, to_gone, anywhere):
        assert (await find(store, job.id)).queue == "checks-us"
    assert (await find(store, to_eu.id)).queue == "checks"
    told = msgspec.json.decode((await find(store, to_us.id)).route or "null")
    assert told == {
        "asked": "us", "region": "us", "moved_from": "checks",
        "moved_at": timing.now().isoformat(), "why": "no worker on checks since it was declared",
    }  # fmt: skip
    moved = [each for each in heard if isinstance(each, JobsMoved)]
    assert {(each.region, each.to) for each in moved} == {(None, "us")}
    assert sum(each.count for each in moved) == 3
    assert (await verify(store)).breaches == []


async def test_what_lies_in_the_default_queue_stays_while_somebody_serves_that(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    wanted = factories.job(queue="checks")
    await store.enqueue([wanted])
    timing.advance(seconds=300)
    await work_in(store, "us", "checks")

    await mover(store).step()

    assert (await find(store, wanted.id)).queue == "checks"


async def test_why_says_when_a_job_that_no_region_could_take_moves(
    store: Store, timing: ManualTiming
) -> None:
    await declare(store)
    route = describe("eu", Route("checks", None))
    wanted = msgspec.structs.replace(factories.job(queue="checks"), route=route)
    await store.enqueue([wanted])
    await work_in(store, "us", "eu")
    timing.advance(seconds=60)

    _, [reason, sent] = await store.read(partial(why.of_job, job=wanted.id))

    assert sent.what == "it was wanted in eu, sent to the default queue"
    assert reason.code == "region-empty"
    assert reason.what == (
        "no region could take it, and no worker serves the default queue checks; it moves to "
        "checks-eu, once a worker serves that, at 2030-06-15 12:02:00 UTC or later"
    )
