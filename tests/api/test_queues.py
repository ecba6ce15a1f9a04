"""Queues by REST: paused and resumed, also before anybody uses them."""

from __future__ import annotations

from sqlalchemy import insert

from onbeat import Onbeat
from onbeat.store.schema import health
from tests.api.asking import Client


async def used(admin: Client, queue: str) -> None:
    """A queue with a job in it."""
    await admin.told("POST", "/jobs", 201, json={"task": "charge", "queue": queue})


async def test_a_queue_that_has_jobs_is_paused_and_resumed(admin: Client) -> None:
    await used(admin, "billing")

    paused = await admin.told("POST", "/queues/billing/pause")
    resumed = await admin.told("POST", "/queues/billing/resume")

    assert (paused["pending"], paused["paused_at"] is None, paused["warnings"]) == (1, False, [])
    assert (resumed["paused_at"], resumed["warnings"]) == (None, [])


async def test_a_queue_that_nobody_uses_yet_is_paused_with_a_warning(admin: Client) -> None:
    await used(admin, "billing")

    first = await admin.told("POST", "/queues/biling/pause")
    second = await admin.told("POST", "/queues/biling/pause")

    assert first["paused_at"] is not None
    assert first["warnings"] == [
        "no job is in queue 'biling' (is billing meant?), and no worker serves it"
    ]
    assert second["warnings"] == []  # it is on record by now


async def test_a_queue_that_nobody_knows_is_not_resumed(admin: Client) -> None:
    await used(admin, "billing")

    refused = await admin.told("POST", "/queues/biling/resume", 404)

    assert "is billing meant?" in refused["detail"]


async def test_the_load_of_a_queue_tells_how_many_workers_it_needs(admin: Client) -> None:
    await used(admin, "billing")

    load = await admin.told("GET", "/queues/billing/load")
    idle = await admin.told("GET", "/queues/idle/load")

    assert (load["pending"], load["workers"], load["mean_s"]) == (1, 0, None)
    assert (load["needed_slots"], load["needed_workers"], load["within_s"]) == (1, 1, 60)
    assert idle["needed_workers"] == 0


async def test_the_load_of_a_queue_that_nobody_knows_says_so_with_the_nearest(
    admin: Client,
) -> None:
    await used(admin, "billing")

    known = await admin.told("GET", "/queues/billing/load")
    load = await admin.told("GET", "/queues/biling/load")

    assert known["warnings"] == []
    assert load["needed_workers"] == 0  # an autoscaler goes on
    assert load["warnings"] == ["nobody knows a queue 'biling' (is billing meant?)"]


async def test_a_queue_whose_jobs_have_all_ended_is_known(admin: Client, ob: Onbeat) -> None:
    await used(admin, "mail")
    row = {"kind": "queue", "subject": "billing", "completed": 1, "failed": 0, "cancelled": 0,
           "attempts": 1, "failed_since": 0, "completed_since": 1}  # fmt: skip
    await (await ob.store()).write(
        lambda connection, _: connection.execute(insert(health).values(**row))
    )

    assert (await admin.told("GET", "/queues/billing/load"))["warnings"] == []


async def test_a_time_that_is_out_of_range_is_named(admin: Client) -> None:
    refused = await admin.told("GET", "/queues/billing/load", 400, params={"within": "1ms"})

    assert refused["errors"][0]["field"] == "within"
