"""Plans: on a great backlog every hot statement walks the index it is meant to, and sorts nothing.

On PostgreSQL with statistics from before the backlog and from after it, and with the plans of a
prepared statement's first runs (custom) and of its later ones (generic).
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from onbeat.store.postgres import statements as postgres
from onbeat.store.rendering import numbered
from onbeat.store.sqlite import statements as sqlite
from tests.contract import backlog
from tests.servers.postgres import PostgresDatabases

SESSION = "01bc2f2da4007000800000000000000" + "4"
VALUES: dict[str, Any] = {
    "jobs": "[]",
    "acks": json.dumps([{"token": n, "place": "finished", "state": "completed"} for n in range(50)]),
    "rows": '{"schedules": [], "occurrences": []}',
    "queues": '["q1", "q2"]',
    "session": SESSION,
    "limit": 500,
    "expires_in": 15_000_000,
    "last": 0,
    "now": 1_907_755_200_000_000,
}

SQLITE: dict[str, list[str]] = {
    "ENQUEUE": ["sqlite_autoindex_onbeat_jobs_1 (id=?)"],
    "CLAIM": [
        "SEARCH ready USING PRIMARY KEY (queue=? AND lane=?)",
        "SEARCH onbeat_ready USING COVERING INDEX onbeat_ready_by_job (job=?)",
        "SEARCH leases USING INTEGER PRIMARY KEY (rowid>?)",
    ],
    "ACK": [
        "SEARCH leases USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH onbeat_schedules USING COVERING INDEX onbeat_schedules_awaiting (awaits_job=?)",
    ],
    "ACK_DONE": ["SEARCH onbeat_leases USING INTEGER PRIMARY KEY (rowid=?)"],
    "PROMOTABLE": ["SEARCH onbeat_delayed USING PRIMARY KEY (due_at<?)"],
    "PROMOTE": ["SEARCH onbeat_delayed USING COVERING INDEX onbeat_delayed_by_job (job=?)"],
    "DUE": [
        "SEARCH onbeat_schedules USING INDEX onbeat_schedules_due (next_due_at<?)",
        "SEARCH onbeat_leases USING COVERING INDEX onbeat_leases_by_job (job=?)",
    ],
    "FIRE": [
        "SEARCH schedules USING PRIMARY KEY (id=?)",
        "SEARCH onbeat_occurrences USING PRIMARY KEY (schedule=? AND due_at=?)",
    ],
    "NEXT_DUE": ["SEARCH onbeat_schedules USING INDEX onbeat_schedules_due (next_due_at>?)"],
    "HEARTBEAT": ["SEARCH onbeat_sessions USING PRIMARY KEY (id=?)"],
    "STOPS": ["SEARCH onbeat_leases USING INDEX onbeat_leases_by_session (session=?)"],
}
HOT = ("onbeat_", "ready", "leases", "delayed", "schedules", "jobs", "s ")

POSTGRES: dict[str, list[str]] = {
    "ENQUEUE": [],
    "CLAIM": ["onbeat_ready_pkey", "onbeat_jobs_203006_pkey"],
    "ACK": ["onbeat_leases_pkey"],
    "PROMOTE": ["onbeat_delayed_pkey"],
    "DUE": ["onbeat_schedules_due", "onbeat_leases_by_job", "onbeat_ready_by_job"],
    "FIRE": ["onbeat_schedules_pkey"],
    "NEXT_DUE": ["onbeat_schedules_due", "onbeat_delayed_pkey"],
    "HEARTBEAT": ["onbeat_leases_by_session"],
}
TINY = ("onbeat_sessions", "onbeat_queues", "onbeat_blocked")
"""Tables of a few rows, where reading them all is the best plan there is."""


@pytest.fixture(scope="module")
def file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("plans") / "onbeat.db"
    path.write_bytes(sqlite_template.read_bytes())
    yield str(path)


@pytest.fixture(scope="module")
def loaded(file: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(file)
    for statement in backlog.statements("sqlite"):
        connection.execute(statement)
    connection.execute(sqlite.ACK_INPUT)
    yield connection
    connection.close()


@pytest.mark.parametrize("name", SQLITE)
def test_sqlite_walks_the_intended_indexes(loaded: sqlite3.Connection, name: str) -> None:
    found = getattr(sqlite, name)
    texts = (found,) if isinstance(found, str) else found

    steps = [
        row[3] for text in texts for row in loaded.execute(f"EXPLAIN QUERY PLAN {text}", VALUES)
    ]

    assert [step for step in SQLITE[name] if not any(step in each for each in steps)] == []
    assert [each for each in steps if each.startswith(tuple(f"SCAN {hot}" for hot in HOT))] == []
    assert [each for each in steps if "TEMP B-TREE FOR ORDER" in each] == []


@pytest.fixture(scope="module", params=["statistics from before", "fresh statistics"])
def backlog_url(
    request: pytest.FixtureRequest, postgres_server: PostgresDatabases, postgres_template: str
) -> Iterator[str]:
    name = f"onbeat_{uuid.uuid4().hex}"
    url = postgres_server.create_database(name, postgres_template)
    asyncio.run(_load(url, analyze_after=request.param == "fresh statistics"))
    yield url
    postgres_server.drop_database(name)


async def _load(url: str, *, analyze_after: bool) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("ANALYZE")
    for statement in backlog.statements("postgresql"):
        await connection.execute(statement)
    if analyze_after:
        await connection.execute("ANALYZE")
    await connection.close()


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", POSTGRES)
async def test_postgresql_walks_the_intended_indexes(
    backlog_url: str, name: str, mode: str
) -> None:
    nodes = await _explain(backlog_url, getattr(postgres, name), mode)

    scans = [node for node in nodes if node.get("Relation Name", "").startswith("onbeat_")]
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    read_whole = [
        node["Relation Name"]
        for node in scans
        if node["Node Type"] == "Seq Scan"
        and not node["Relation Name"].startswith(TINY)
        and not node["Relation Name"].endswith("_default")
    ]
    assert read_whole == []
    assert [index for index in POSTGRES[name] if index not in used] == []
    assert [node for node in nodes if "Sort" in node["Node Type"] and _reads_hot(node)] == []


async def _explain(url: str, statement: str, mode: str) -> list[dict[str, Any]]:
    """Every node of the plan that a prepared statement runs with."""
    text, names = numbered(statement)
    connection = await asyncpg.connect(url, server_settings={"plan_cache_mode": mode, "jit": "off"})
    await connection.execute(f"PREPARE hot AS {text}")
    values = ", ".join(_literal(name) for name in names)
    answer = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE hot({values})")
    await connection.close()
    return list(_nodes(json.loads(answer)[0]["Plan"]))


def _literal(name: str) -> str:
    if name == "now":
        return "'2030-06-15 12:00:00+00'"
    return f"'{VALUES[name]}'"


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _reads_hot(node: dict[str, Any]) -> bool:
    """Whether rows of a hot table itself come in, not those of a CTE that has limited them."""
    inputs = [child for child in node.get("Plans", []) if "Subplan Name" not in child]
    return any(
        child.get("Relation Name", "").startswith(("onbeat_ready", "onbeat_delayed", "onbeat_sched"))
        or _reads_hot(child)
        for child in inputs
    )
