"""The view that autoscalers read: what it tells, and that a great backlog costs it nothing."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from onbeat.store import queues
from onbeat.store.schema import QUEUE_LOAD
from onbeat.store.store import Store
from tests import factories
from tests.contract import backlog
from tests.contract.world import begin, enqueue, running
from tests.servers.postgres import PostgresDatabases
from tests.timing import ManualTiming

ASKED = f"SELECT * FROM {QUEUE_LOAD} WHERE queue IN ('q0', 'q1')"  # noqa: S608
COLUMNS = ("queue", "ready", "running", "oldest_due_age_seconds", "paused", "wanted_slots")
Load = dict[str, tuple[Any, ...]]


async def load(store: Store) -> Load:
    """What it tells of each queue: ready, running, paused, wanted slots; and how old the oldest."""
    query = text(f"SELECT * FROM {QUEUE_LOAD} ORDER BY queue")  # noqa: S608
    rows = await store.read(lambda connection, _: connection.execute(query).all())
    return {row.queue: tuple(row) for row in rows}


def counts(found: Load) -> dict[str, tuple[int, int, bool, int]]:
    return {
        name: (ready, runs, bool(paused), wanted)
        for name, (_, ready, runs, _, paused, wanted) in found.items()
    }


async def test_its_columns_are_those_that_are_promised(store: Store) -> None:
    query = text(f"SELECT * FROM {QUEUE_LOAD}")  # noqa: S608

    found = await store.read(lambda connection, _: tuple(connection.execute(query).keys()))

    assert found == COLUMNS


async def test_a_new_store_wants_nothing(store: Store) -> None:
    assert await load(store) == {}


async def test_a_queue_wants_a_slot_for_each_job_that_runs_or_may(store: Store) -> None:
    session = await begin(store)
    await store.enqueue(factories.jobs(5, queue="mail"))
    await store.claim(session.id, ["mail"], 2)
    await store.enqueue(factories.jobs(4, queue="mail", delay=timedelta(hours=1)))
    await enqueue(store, queue="billing")

    assert counts(await load(store)) == {
        "billing": (1, 0, False, 1), "mail": (3, 2, False, 5),
    }  # fmt: skip


async def test_while_it_is_paused_what_waits_wants_none(store: Store) -> None:
    await store.enqueue(factories.jobs(5, queue="mail"))
    await running(store, queue="other")
    for name in ("mail", "other", "empty"):
        await store.write(partial(queues.pause, name=name, by="ann"))

    assert counts(await load(store)) == {
        "empty": (0, 0, True, 0), "mail": (5, 0, True, 0), "other": (0, 1, True, 1),
    }  # fmt: skip


async def test_the_oldest_is_found_in_whichever_lane_it_waits(
    store: Store, timing: ManualTiming
) -> None:
    begun = datetime.now(UTC) - timedelta(hours=2)
    timing.set(begun)
    await enqueue(store, queue="mail", priority=3)
    timing.set(begun + timedelta(hours=1))
    await enqueue(store, queue="mail", priority=9)
    await running(store, queue="busy")

    ages = {name: row[3] for name, row in (await load(store)).items()}

    assert 7_200 <= ages["mail"] < 7_260
    assert ages["busy"] == 0.0


async def test_what_its_clock_has_yet_to_come_to_is_not_negative(
    store: Store, timing: ManualTiming
) -> None:
    timing.set(datetime.now(UTC) + timedelta(hours=1))
    await enqueue(store, queue="mail")

    assert (await load(store))["mail"][3] == 0.0


async def test_no_more_are_counted_than_an_autoscaler_can_use(store: Store) -> None:
    for _ in range(3):
        await store.enqueue(factories.jobs(4_000, queue="mail"))

    assert counts(await load(store)) == {"mail": (10_000, 0, False, 10_000)}


def test_sqlite_walks_the_index_of_what_is_ready(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "onbeat.db"
    path.write_bytes(sqlite_template.read_bytes())
    connection = sqlite3.connect(path)
    for statement in backlog.statements("sqlite"):
        connection.execute(statement)

    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {ASKED}")]
    found = connection.execute(ASKED).fetchall()
    connection.close()

    assert [row[:3] for row in found] == [("q0", 10_000, 0), ("q1", 10_000, 0)]
    of_ready = [each for each in steps if "onbeat_ready" in each or "SEARCH one" in each]
    assert of_ready
    assert [each for each in steps if each.startswith(("SCAN one", "SCAN head", "SCAN more"))] == []
    assert [each for each in steps if "TEMP B-TREE FOR ORDER" in each] == []


STALE, FRESH = ("statistics from before", 70_000), ("fresh statistics", 21_000)
"""And how many rows of what is ready may be read for two queues of 33,333."""


@pytest.fixture(params=[STALE, FRESH], ids=lambda each: each[0])
def filled(
    request: pytest.FixtureRequest, postgres_server: PostgresDatabases, postgres_template: str
) -> Iterator[tuple[str, int]]:
    name = f"onbeat_{uuid.uuid4().hex}"
    url = postgres_server.create_database(name, postgres_template)
    asyncio.run(_fill(url, analyze_after=request.param == FRESH))
    yield url, request.param[1]
    postgres_server.drop_database(name)


async def _fill(url: str, *, analyze_after: bool) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("ANALYZE")
    for statement in backlog.statements("postgresql"):
        await connection.execute(statement)
    if analyze_after:
        await connection.execute("ANALYZE")
    await connection.close()


async def test_postgresql_walks_the_index_of_what_is_ready(filled: tuple[str, int]) -> None:
    url, most = filled
    connection = await asyncpg.connect(url)
    plan = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {ASKED}"))
    found = await connection.fetch(ASKED)
    await connection.close()

    nodes = list(_nodes(plan[0]["Plan"]))
    of_ready = [node for node in nodes if node.get("Relation Name") == "onbeat_ready"]
    assert {tuple(row)[:3] for row in found} == {("q0", 10_000, 0), ("q1", 10_000, 0)}
    assert of_ready
    indexes = {node["Index Name"] for node in nodes if "Index Name" in node}
    assert (indexes, [node for node in of_ready if node["Node Type"] == "Seq Scan"]) == (
        {"onbeat_ready_pkey"}, [],
    )  # fmt: skip
    read = sum(node["Actual Rows"] * node["Actual Loops"] for node in of_ready)
    assert read <= most
    assert {node.get("Relation Name") for node in nodes} <= {
        None, "onbeat_ready", "onbeat_leases", "onbeat_queues",
    }  # fmt: skip


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)
