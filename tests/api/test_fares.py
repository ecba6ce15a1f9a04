"""How tasks, schedules and queues fare, over the API."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from onbeat import Onbeat
from onbeat.domain.health import Slice
from onbeat.store import folding
from tests import factories
from tests.api.asking import Client
from tests.contract.world import acked, begin, claim_one

TASKS = ("a", "b", "c")


@pytest.fixture
async def folded(ob: Onbeat) -> None:
    """Of each task one job that completed and one that failed."""
    store = await ob.store()
    session = await begin(store)
    for task in TASKS:
        for move in ("bury", "complete"):
            await store.enqueue([factories.job(task=task, queue=f"q-{task}")])
            claimed = await claim_one(store, session, f"q-{task}")
            await acked(store, factories.ack(claimed, move))
    now = store.timing.now()
    of = Slice(now - timedelta(minutes=1), now + timedelta(minutes=1))
    found = await store.read(partial(folding.tallies, wanted=of))
    assert await store.write(partial(folding.fold, was=None, of=of, found=found))


async def test_pages_bring_each_once_by_its_name(admin: Client, folded: None) -> None:
    names, after = [], None
    while True:
        asked = {"limit": 2} | ({} if after is None else {"after": after})
        told = await admin.told("GET", "/health", params=asked)
        names += [each["name"] for each in told["data"]]
        if (after := told["page"]["next"]) is None:
            break

    assert names == list(TASKS)


async def test_it_is_said_what_came_of_the_jobs_of_a_window(admin: Client, folded: None) -> None:
    told = await admin.told("GET", "/health", params={"kind": "queue", "name": "q-b"})

    [found] = told["data"]
    counts = {"completed": 1, "failed": 1, "cancelled": 0, "attempts": 2, "success_rate": 0.5}
    assert found["ever"] == counts
    assert counts.items() <= found["window"].items()
    assert (found["failures_in_row"], found["successes_in_row"]) == (0, 1)
    assert found["window"]["p50_s"] is not None
    assert (found["objective"]["target"], found["objective"]["left"]) == (0.99, -0.98)
    assert found["last_failure_at"] <= found["last_success_at"] <= told["folded_to"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"kind": "colour"}, 400), ({"window": "soon"}, 400), ({"window": "0s"}, 400),
     ({"name": "no such"}, 404), ({"after": "x"}, 400)],
)  # fmt: skip
async def test_what_is_wrong_is_refused(admin: Client, asked: dict[str, Any], status: int) -> None:
    told = await admin.told("GET", "/health", status, params=asked)

    assert next(iter(asked)) in told["detail"] or status == 404


async def test_each_is_told_with_what_is_not_as_usual(admin: Client, folded: None) -> None:
    told = await admin.told("GET", "/health/anomalies", params={"limit": 2, "longest": "30s"})

    assert [each["name"] for each in told["data"]] == ["a", "b"]
    assert told["data"][0] == {
        "kind": "task", "name": "a", "known_days": 0, "anomalies": [], "predictions": [],
    }  # fmt: skip
    assert told["judged_to"].endswith("00:00Z")
    assert told["page"]["next"] is not None


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"kind": "colour"}, 400), ({"longest": "soon"}, 400), ({"longest": "0s"}, 400),
     ({"name": "no such"}, 404), ({"after": "x"}, 400)],
)  # fmt: skip
async def test_what_is_wrong_of_anomalies_is_refused(
    admin: Client, asked: dict[str, Any], status: int
) -> None:
    told = await admin.told("GET", "/health/anomalies", status, params=asked)

    assert next(iter(asked)) in told["detail"] or status == 404
