"""`onbeat doctor` on what ails a database and stands still, and what it puts right itself."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from onbeat.store.opening import open_store
from tests.cli.running import Cli

ROOT = Path(__file__).parents[2]

Change = Callable[..., None]


@pytest.fixture
def change(database_url: str, folder: object, monkeypatch: pytest.MonkeyPatch) -> Change:
    """Sends statements to the database that commands find."""
    monkeypatch.setenv("ONBEAT_DB", database_url)

    async def send(statements: tuple[str, ...]) -> None:
        store = open_store(database_url)
        try:
            for statement in statements:
                await store.write(partial(_send, statement=statement))
        finally:
            await store.close()

    return lambda *statements: asyncio.run(send(statements))


def _send(connection: Connection, _: datetime, statement: str) -> None:
    connection.exec_driver_sql(statement)


def check(answer: Any, name: str) -> Any:
    """What was found under that name."""
    [found] = [each for each in answer["checks"] if each["name"] == name]
    return found


def told(cli: Cli) -> Any:
    """What the doctor says, in whichever health it is."""
    return json.loads(cli("doctor", "--json").out)


def test_an_index_that_is_missing_is_named_and_made(cli: Cli, change: Change) -> None:
    change("DROP INDEX onbeat_rollups_by_age")

    found = check(told(cli), "indexes")
    mended = check(cli.answer("doctor", "--fix"), "indexes")

    assert (found["verdict"], found["can_fix"]) == ("wrong", True)
    assert found["message"].startswith("missing or invalid: onbeat_rollups_by_age;")
    assert found["remedies"][0].endswith(
        "onbeat_rollups_by_age ON onbeat_rollups (span, begins_at)"
    )
    assert mended["verdict"] == "ok"


def test_a_column_that_is_missing_is_wrong(cli: Cli, change: Change) -> None:
    change("ALTER TABLE onbeat_health DROP COLUMN attempts")

    found = check(told(cli), "columns")

    assert found["verdict"] == "wrong"
    assert found["message"].startswith("missing: onbeat_health.attempts;")


def test_work_that_no_worker_takes_is_named(cli: Cli, change: Change) -> None:
    change()
    cli.answer("jobs", "enqueue", "report", "--queue", "reports")
    cli.answer("jobs", "enqueue", "charge", "--queue", "billing")
    cli.answer("queues", "pause", "billing")

    found = check(cli.answer("doctor"), "queues")

    assert found["verdict"] == "note"
    assert "no worker serves reports, with 1 pending" in found["message"]
    assert "billing is paused with 1 pending" in found["message"]


def test_ends_that_nobody_counts_are_named(cli: Cli, change: Change, database_url: str) -> None:
    change()
    job = cli.answer("jobs", "enqueue", "report")["job"]["id"]
    cli.answer("jobs", "cancel", job)
    fresh = check(cli.answer("doctor"), "watcher")
    earlier = "- 600000000" if "sqlite" in database_url else "- interval '10 minutes'"
    change(f"UPDATE onbeat_finished SET finished_at = finished_at {earlier}")  # noqa: S608

    found = check(cli.answer("doctor"), "watcher")

    assert fresh["verdict"] == "ok"
    assert found["verdict"] == "note"
    assert "is not counted" in found["message"]


def test_it_says_of_every_extra_whether_it_is_installed(cli: Cli) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = check(told(cli), "extras")["message"]

    assert {each for each in project["optional-dependencies"] if each not in said} == set()
