"""Plans: on a great backlog every hot statement walks the index it is meant to, and sorts nothing.

On PostgreSQL with statistics from before the backlog and from after it, with the plans of a
prepared statement's first runs (custom) and of its later ones (generic), and with generic plans
made while the tables were empty: those are kept until the next ANALYZE, a minute into a burst.
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

from onbeat.store.postgres import enqueueing, statements
from onbeat.store.postgres.connections import SERVER_SETTINGS
from onbeat.store.rendering import numbered
from onbeat.store.sqlite import statements as sqlite
from tests.contract import backlog
from tests.servers.postgres import PostgresDatabases

SESSION = "01bc2f2da4007000800000000000000" + "4"
VALUES: dict[str, Any] = {
    "jobs": "[]",
    "id": "01bc2f2da40070008000000000000005",
    "task": "report",
    "queue": "q1",
    "lane": 5,
    "attempts": 3,
    "args": "{}",
    "options": "{}",
    "ties": None,
    "key": "0000000000010123456789abcdef0123",
    "within": 600_000_000,
    "refused": "[]",
    "deadlines": "[]",
    "later": "[]",
    "occurrences": "[]",
    "completed": json.dumps(list(range(50, 100))),
    "acks": json.dumps(
        [{"token": n, "place": "finished", "state": "completed"} for n in range(50)]
    ),
    "rows": '{"schedules": [], "occurrences": []}',
    "queues": '["q1", "q2"]',
    "floors": '{"q1": {"5": 1907755200000000}}',
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
    "CLAIM_TIED": ["SEARCH leases USING INTEGER PRIMARY KEY (rowid>?)"],
    "FREE_KEYS": ["SEARCH leases USING INTEGER PRIMARY KEY (rowid=?)"],
    "TAKE_KEYS": ["SEARCH onbeat_jobs USING INTEGER PRIMARY KEY (rowid>?)"],
    "REFUSED_KEYS": ["SEARCH held USING PRIMARY KEY (key=?)"],
    "ACK_DONE": ["SEARCH onbeat_leases USING INTEGER PRIMARY KEY (rowid=?)"],
    "PROMOTABLE": ["SEARCH onbeat_delayed USING PRIMARY KEY (due_at<?)"],
    "PROMOTE": ["SEARCH onbeat_delayed USING COVERING INDEX onbeat_delayed_by_job (job=?)"],
    "DUE": [
        "SEARCH onbeat_schedules USING INDEX onbeat_schedules_due (next_due_at<?)",
        "SEARCH onbeat_leases USING COVERING INDEX onbeat_leases_by_job (job=?)",
    ],
    "FIRE": [
        "SEARCH s USING PRIMARY KEY (id=?)",
        "SEARCH onbeat_occurrences USING PRIMARY KEY (schedule=? AND due_at=?)",
    ],
    "ADVANCE": ["SEARCH onbeat_schedules USING PRIMARY KEY (id=?)"],
    "NEXT_DUE": ["SEARCH onbeat_schedules USING INDEX onbeat_schedules_due (next_due_at>?)"],
    "HEARTBEAT": ["SEARCH onbeat_sessions USING PRIMARY KEY (id=?)"],
    "STOPS": ["SEARCH onbeat_leases USING INDEX onbeat_leases_to_stop (session=?)"],
}
FIRST_IS_ENOUGH = ("SCAN onbeat_backfills USING INDEX onbeat_backfills_open", "SCAN onbeat_ends")
"""What holds just what is looked for: its first entry is the answer."""

HOT = ("onbeat_", "ready", "leases", "delayed", "schedules", "jobs", "s ")

POSTGRES: dict[str, list[str]] = {
    "ENQUEUE": [],
    "ENQUEUE_ONE": [],
    "ENQUEUE_ONE_FREE": [],
    "ENQUEUE_ONE_UNIQUE": [],
    "ENQUEUE_UNIQUE": [],
    "ENQUEUE_WITH_CONDITIONS": [],
    "ENQUEUE_MARKED": [],
    "CLAIM": ["onbeat_ready_pkey", "onbeat_jobs_203006_pkey"],
    "ACK": ["onbeat_leases_pkey"],
    "PROMOTE": ["onbeat_delayed_pkey"],
    "DUE": ["onbeat_schedules_due", "onbeat_leases_by_job", "onbeat_ready_by_job"],
    "FIRE": ["onbeat_schedules_pkey"],
    "NEXT_DUE": ["onbeat_schedules_due", "onbeat_delayed_pkey"],
    "HEARTBEAT": ["onbeat_leases_to_stop"],
}
EMPTY = ("onbeat_jobs_203007", "onbeat_jobs_203008", "onbeat_jobs_default")
TINY = (
    "onbeat_sessions", "onbeat_queues", "onbeat_blocked", "onbeat_backfills", "onbeat_limits",
    *EMPTY,
)  # fmt: skip
"""Tables of a few rows, where reading them all is the best plan there is."""


@pytest.fixture(scope="module")
def file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("plans") / "onbeat.db"
    path.write_bytes(sqlite_template.read_bytes())
    return str(path)


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

    values = [None] * 17 if name == "ADVANCE" else VALUES
    steps = [
        row[3] for text in texts for row in loaded.execute(f"EXPLAIN QUERY PLAN {text}", values)
    ]

    assert [step for step in SQLITE[name] if not any(step in each for each in steps)] == []
    scans = [each for each in steps if each.startswith(tuple(f"SCAN {hot}" for hot in HOT))]
    assert [each for each in scans if each not in FIRST_IS_ENOUGH] == []
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
    connection = await _connect(backlog_url, mode)
    await _prepare(connection, name)

    nodes = await _explain(connection, name)

    await connection.close()
    assert _complaints(name, nodes) == []


@pytest.fixture(scope="module")
def planned_while_empty(
    postgres_server: PostgresDatabases, postgres_template: str
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    name = f"onbeat_{uuid.uuid4().hex}"
    url = postgres_server.create_database(name, postgres_template)
    yield asyncio.run(_plan_then_load(url))
    postgres_server.drop_database(name)


@pytest.mark.parametrize("name", POSTGRES)
def test_a_plan_made_while_the_tables_were_empty_is_still_good(
    planned_while_empty: dict[str, list[dict[str, Any]]], name: str
) -> None:
    assert _complaints(name, planned_while_empty[name]) == []


async def _plan_then_load(url: str) -> dict[str, list[dict[str, Any]]]:
    connection = await _connect(url, "force_generic_plan")
    for name in POSTGRES:
        await _prepare(connection, name)
        await _explain(connection, name)
    await _load(url, analyze_after=False)
    plans = {name: await _explain(connection, name) for name in POSTGRES}
    await connection.close()
    return plans


async def _connect(url: str, mode: str) -> Any:
    return await asyncpg.connect(url, server_settings={**SERVER_SETTINGS, "plan_cache_mode": mode})


async def _prepare(connection: Any, name: str) -> None:
    await connection.execute(f"PREPARE {name} AS {numbered(_statement(name))[0]}")


async def _explain(connection: Any, name: str) -> list[dict[str, Any]]:
    """Every node of the plan that the prepared statement runs with."""
    values = ", ".join(_literal(each) for each in numbered(_statement(name))[1])
    answer = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {name}({values})")
    return list(_nodes(json.loads(answer)[0]["Plan"]))


def _complaints(name: str, nodes: list[dict[str, Any]]) -> list[str]:
    """What is wrong with a plan: a hot table read whole or sorted, or an index not used."""
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    said = [f"{index} is not used" for index in POSTGRES[name] if index not in used]
    for node in nodes:
        relation = node.get("Relation Name", "")
        is_hot = relation.startswith("onbeat_") and not relation.startswith(TINY)
        if is_hot and "Scan" in node["Node Type"] and not _is_narrowed(node):
            said.append(f"{relation} is read whole ({node['Node Type']})")
        if "Sort" in node["Node Type"] and _reads_hot(node):
            said.append("a hot table is sorted")
    return said


def _is_narrowed(node: dict[str, Any]) -> bool:
    return "Index Cond" in node or "TID Cond" in node or node["under"] == "Limit"


def _statement(name: str) -> str:
    """The text of that name, in whichever module has it."""
    found: str = getattr(statements, name, None) or getattr(enqueueing, name)
    return found


def _literal(name: str) -> str:
    if name == "now":
        return "'2030-06-15 12:00:00+00'"
    return f"'{VALUES[name]}'"


def _nodes(node: dict[str, Any], under: str = "") -> Iterator[dict[str, Any]]:
    yield node | {"under": under}
    for child in node.get("Plans", []):
        yield from _nodes(child, node["Node Type"])


def _reads_hot(node: dict[str, Any]) -> bool:
    """Whether rows of a hot table itself come in, not those of a CTE that has limited them."""
    inputs = [child for child in node.get("Plans", []) if "Subplan Name" not in child]
    return any(
        child.get("Relation Name", "").startswith(
            ("onbeat_ready", "onbeat_delayed", "onbeat_sched")
        )
        or _reads_hot(child)
        for child in inputs
    )
