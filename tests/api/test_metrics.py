"""What Prometheus reads."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text
from sqlalchemy import text

from onbeat import Onbeat, Settings
from onbeat.api.asgi import make_asgi
from onbeat.app.meters import FRESH_FOR
from onbeat.domain.access import Permission
from onbeat.domain.health import Slice
from onbeat.domain.states import State
from onbeat.store import folding, workers
from tests import factories
from tests.api.asking import HOST, Client, asking
from tests.contract.beats import create
from tests.contract.world import acked, claim_one

ROOT = Path(__file__).parents[2]

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def busy(ob: Onbeat) -> None:
    """A worker that has run two jobs and runs a third; one waits; all ends are folded."""
    store = await ob.store()
    session = factories.session(slots=4)
    await store.write(lambda c, now: workers.begin(c, now, session, timedelta(hours=1)))
    for move in ("complete", "bury"):
        await store.enqueue([factories.job()])
        await acked(store, factories.ack(await claim_one(store, session), move))
    await store.enqueue(factories.jobs(2))
    await claim_one(store, session)
    now = store.timing.now()
    of = Slice(now - timedelta(minutes=1), now + timedelta(minutes=1))
    found = await store.read(partial(folding.tallies, wanted=of))
    await store.write(partial(folding.fold, was=None, of=of, found=found))


def samples(families: Any) -> Samples:
    """Each value by its name and labels."""
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in families
        for each in family.samples
    }


def of_the_fleet(found: Samples) -> Samples:
    """Without how long this process took to answer, which each answer changes."""
    return {key: value for key, value in found.items() if not key[0].startswith("onbeat_http_")}


async def scraped(client: Client) -> Samples:
    answer = await client.request("GET", f"{HOST}/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples(plain_text(answer.text))


async def test_the_fleet_is_told_in_figures(admin: Client, busy: None) -> None:
    found = await scraped(admin)

    def value(name: str, **labels: str) -> float:
        return found[f"onbeat_{name}", frozenset(labels.items())]

    assert value("jobs_finished_total", task="send", outcome=State.COMPLETED) == 1
    assert value("queue_jobs_finished_total", queue="default", outcome=State.FAILED) == 1
    assert value("jobs_attempts_total", task="send") == 2
    assert value("task_last_success_timestamp_seconds", task="send") > 0
    assert value("queue_jobs", queue="default", state=State.PENDING) == 1
    assert value("queue_jobs", queue="default", state=State.RUNNING) == 1
    assert value("queue_paused", queue="default") == 0
    assert value("worker_slots", kind="total") == 4
    assert value("worker_slots", kind="busy") == 1
    assert value("workers", queue="default", draining="false") == 1


async def test_who_asks_for_open_metrics_is_told_in_them(admin: Client, busy: None) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = await admin.request("GET", f"{HOST}/metrics", headers=accept)

    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert samples(open_metrics(answer.text))  # type: ignore[no-untyped-call] # theirs


async def test_it_is_read_once_for_all_who_ask_at_once(
    ob: Onbeat, admin: Client, busy: None
) -> None:
    before = of_the_fleet(await scraped(admin))
    await (await ob.store()).enqueue(factories.jobs(3))

    assert of_the_fleet(await scraped(admin)) == before
    assert FRESH_FOR < 15, "Prometheus asks every 15 s by default"


async def test_it_tells_everybody_unless_it_is_closed(nobody: Client, database_url: str) -> None:
    assert (await nobody.request("GET", f"{HOST}/metrics")).status_code == 200

    closed = Onbeat(database_url, settings=Settings(metrics="closed"))
    async with closed, asking(make_asgi(closed)) as stranger:
        refused = await stranger.request("GET", f"{HOST}/metrics")
        made = await closed.tokens.create("scraper", frozenset({Permission.JOBS_READ}), by="test")
        async with asking(make_asgi(closed), made.text) as scraper:
            await scraped(scraper)
    assert refused.status_code == 401


def dependencies(found: Samples) -> dict[str, float]:
    """What is told of each that the process depends on."""
    return {
        dict(labels)["dependency"]: value
        for (name, labels), value in found.items()
        if name == "onbeat_dependency_up"
    }


async def test_answers_are_counted_by_route_method_and_status(admin: Client) -> None:
    for job in ("0" * 32, "1" * 32, "no id"):
        await admin.request("GET", f"{HOST}/api/v1/jobs/{job}")
    await admin.request("BREW", f"{HOST}/nowhere")

    found = await scraped(admin)

    counted = {
        (of["method"], of["route"], of["status"]): value
        for (name, labels), value in found.items()
        for of in (dict(labels),)
        if name == "onbeat_http_request_duration_seconds_count"
    }
    assert counted == {("GET", "/api/v1/jobs/{job}", "4xx"): 3, ("other", "other", "4xx"): 1}


async def test_a_queue_a_worker_and_a_schedule_are_told_with_what_is_set_of_them(
    ob: Onbeat, admin: Client, busy: None
) -> None:
    await ob.limits.set("queue/default", concurrency=7, by="ann")
    store = await ob.store()
    await create(store, name="hourly")
    await create(store, name="resting")
    await ob.schedules.pause("resting", "ann")

    found = await scraped(admin)

    assert found["onbeat_queue_concurrency_limit", frozenset({("queue", "default")})] == 7
    coming = {
        labels: at
        for (name, labels), at in found.items()
        if name.endswith("next_fire_timestamp_seconds")
    }
    assert set(coming) == {frozenset({("schedule", "hourly")})}
    assert all(at > 0 for at in coming.values())
    [age] = (value for (name, _), value in found.items() if "heartbeat_age" in name)
    assert 0 <= age < 60


async def test_what_the_process_depends_on_is_told_as_health_does(admin: Client) -> None:
    health = await admin.told("GET", f"{HOST}/health")

    assert dependencies(await scraped(admin)) == {
        name: float(each["status"] == "up") for name, each in health["dependencies"].items()
    }


async def test_without_the_database_that_is_told_and_what_the_process_knows_by_itself(
    ob: Onbeat, nobody: Client
) -> None:
    spoil = text("UPDATE onbeat_schema SET version_num = '0001'")
    await (await ob.store()).write(lambda connection, _: connection.execute(spoil) and None)

    found = await scraped(nobody)

    assert dependencies(found)["database"] == 0
    assert {name for name, _ in found} == {
        "onbeat_dependency_up", "onbeat_answers_total", "onbeat_answers_kept_bytes",
        "onbeat_ws_clients",
    }  # fmt: skip


async def test_every_metric_is_documented(admin: Client, busy: None) -> None:
    documented = (ROOT / "docs/health.md").read_text()

    names = {name for name, _ in await scraped(admin)}
    plain = {re.sub(r"_(bucket|sum|count)$", "", name): name for name in names}
    assert {
        name for short, name in plain.items()
        if f"`{name}`" not in documented and f"`{short}`" not in documented
    } == set()  # fmt: skip
