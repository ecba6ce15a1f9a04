"""`onbeat db` and `onbeat doctor`: what deploys and people in trouble ask."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest

from onbeat.settings import describe_settings
from onbeat.store.schema_state import HEAD, REVISIONS
from tests.cli.running import Cli, start


def test_a_check_fails_with_5_until_the_database_is_migrated(cli: Cli, fresh: str) -> None:
    code, message = cli.refusal("db", "check")
    migrated = cli.answer("db", "migrate")
    again = cli.answer("db", "migrate")

    assert code == 5
    assert "onbeat db migrate" in message
    assert (migrated["before"], migrated["applied"]) == (None, list(REVISIONS))
    assert (again["before"], again["applied"]) == (HEAD, [])
    assert cli("db", "check").code == 0


def test_migrations_that_run_at_once_wait_for_each_other(fresh: str) -> None:
    with ExitStack() as stack:
        started = [stack.enter_context(start("db", "migrate", "--json")) for _ in range(3)]
        ends = [process.end() for process in started]

    assert [end.code for end in ends] == [0, 0, 0], [end.err for end in ends]
    applied = [json.loads(end.out)["applied"] for end in ends]
    assert sorted(applied) == [[], [], list(REVISIONS)]


def test_the_status_tells_what_there_is_and_what_is_needed(cli: Cli, fresh: str) -> None:
    before = cli.answer("db", "status")
    cli("db", "migrate")
    after = cli.answer("db", "status")

    assert (before["current"], before["is_current"]) == (None, False)
    assert (after["current"], after["is_current"]) == (after["needed"], True)


def test_looking_makes_no_file(cli: Cli, folder: Path) -> None:
    cli("db", "status")
    cli("db", "check")
    cli("doctor")

    assert list(folder.glob("*.db")) == []


def test_a_migration_tells_its_steps(cli: Cli, fresh: str) -> None:
    lines = cli.text("db", "migrate").splitlines()

    assert lines[0].startswith("database ")
    assert lines[1:-1] == [f"  schema {revision} applied" for revision in REVISIONS]
    assert lines[-1].startswith("done in ")


def test_the_doctor_finds_a_good_database_good(
    cli: Cli, app: str, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)

    answer = cli.answer("doctor", "--app", app)
    verdicts = {check["name"]: check["verdict"] for check in answer["checks"]}

    assert answer["healthy"] is True
    assert "wrong" not in verdicts.values()
    assert {"versions", "zones", "settings", "app", "database", "schema", "clock"} <= set(verdicts)


def test_the_doctor_names_schedules_that_are_set_aside(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "broken.db"
    monkeypatch.setenv("ONBEAT_DB", f"sqlite:///{path}")
    cli.answer("schedules", "add", "bad", "--task", "t", "--every", "1h")
    before = {each["name"]: each["verdict"] for each in cli.answer("doctor")["checks"]}
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE onbeat_schedules SET broken = 'no zone Mars/X'")

    [check] = [each for each in cli.answer("doctor")["checks"] if each["name"] == "schedules"]

    assert before["schedules"] == "ok"
    assert check["verdict"] == "note"
    assert "1 schedule set aside, and making no jobs: bad;" in check["message"]


def test_the_doctor_ends_with_the_code_of_what_is_wrong(cli: Cli, postgres_url: str) -> None:
    result = cli("doctor", "--db", postgres_url)

    assert result.code == 5
    assert "wrong  schema" in result.out
    assert result.err.startswith("error: 1 check failed: schema: ")


def test_the_doctor_tells_that_sqlite_is_locked(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "locked.db"
    monkeypatch.setenv("ONBEAT_DB", f"sqlite:///{path}")
    cli("db", "migrate")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    result = cli("doctor")
    other.close()

    assert result.code == 5
    assert "locked" in result.err


def test_the_doctor_counts_the_connections_of_postgresql(
    cli: Cli, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", postgres_url)
    cli("db", "migrate")

    checks = {each["name"]: each["message"] for each in cli.answer("doctor")["checks"]}

    assert re.fullmatch(r"[1-9]\d* of [1-9]\d+ in use; .*", checks["connections"])


CLOCK = """
CREATE SCHEMA skewed;
CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS
$$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$
"""
"""A clock that is found before the server's own."""


@pytest.mark.parametrize(
    ("seconds", "code", "verdict", "says"),
    [(30, 1, "wrong", "30 s ahead of this machine's; set both by NTP"),
     (-1, 0, "note", "behind this machine's")],
)  # fmt: skip
def test_the_doctor_tells_that_the_clock_of_postgresql_is_off(
    cli: Cli, postgres_url: str, monkeypatch: pytest.MonkeyPatch, seconds: int, code: int,
    verdict: str, says: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("ONBEAT_DB", postgres_url)
    cli("db", "migrate")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(CLOCK.format(seconds=seconds))
    path = "skewed,pg_catalog,public".replace(",", "%2C")
    monkeypatch.setenv("ONBEAT_DB", f"{postgres_url}?search_path={path}")

    told = cli("doctor", "--json")
    [found] = [each for each in json.loads(told.out)["checks"] if each["name"] == "clock"]

    assert (found["verdict"], told.code) == (verdict, code)
    assert says in found["message"]


def test_the_doctor_lists_every_setting_with_its_source(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_CONCURRENCY", "7")
    monkeypatch.setenv("REGION", "eu")
    (folder / "onbeat.toml").write_text('queues = ["a", "b"]\n')

    settings = {each["variable"]: each for each in cli.answer("doctor")["settings"]}
    found = {name: (each["value"], each["source"]) for name, each in settings.items()}

    assert list(settings) == [variable for variable, _, _ in describe_settings()]
    assert found["ONBEAT_CONCURRENCY"] == ("7", "ONBEAT_CONCURRENCY")
    assert found["ONBEAT_REGION"] == ("eu", "REGION")
    assert found["ONBEAT_QUEUES"] == ("a,b", "onbeat.toml")
    assert found["ONBEAT_HEARTBEAT"] == ("5s", "default")


def test_the_doctor_shows_no_secret_key(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBEAT_SECRET_KEY", "hunter2" * 5)

    [shown] = [each for each in cli.answer("doctor")["settings"] if "KEY" in each["variable"]]

    assert shown["value"] == "***"
    assert "hunter2" not in cli("doctor").out


def test_the_doctor_shows_the_others_where_one_setting_is_wrong(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_LOG_LEVEL", "loud")

    result = cli("doctor")

    assert result.code == 2
    assert "wrong  settings" in result.out
    assert "sqlite:///onbeat.db" in result.out


def test_the_doctor_shows_what_is_wrong_of_a_variable_without_prefix(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "abc")

    result = cli("doctor")

    assert "wrong: PORT: 'abc'" in result.out
    assert "not read" not in result.out


def test_the_doctor_names_a_mistake_in_the_file_once(cli: Cli, folder: Path) -> None:
    (folder / "onbeat.toml").write_text("outbound_alow = 1")

    result = cli("doctor")

    assert result.code == 2
    assert result.out.count("is outbound_allow meant?") == 1
    assert "not read, for the file has a mistake" in result.out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ONBEAT_QUEUE", "ONBEAT_QUEUE is no setting; is ONBEAT_QUEUES meant?"),
        ("ONBEAT_HEARTBEATS", "ONBEAT_HEARTBEATS is no setting; is ONBEAT_HEARTBEAT meant?"),
        ("ONBEAT_ODD", "ONBEAT_ODD is no setting; `onbeat doctor` lists all"),
    ],
)
def test_a_variable_that_is_no_setting_is_named(
    cli: Cli, app: str, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.setenv(name, "x")

    notes = [
        each["message"] for each in cli.answer("doctor")["checks"] if each["verdict"] == "note"
    ]
    started = [cli(each, "--app", app, "--for", "1ms") for each in ("up", "worker", "scheduler")]

    assert said in notes
    assert all(f"note: {said}\n" in each.err for each in started)


@pytest.mark.parametrize(
    "name",
    ["ONBEAT_DEBUG", "ONBEAT_TEST_POSTGRES", "ONBEAT_SERVICE_HOST", "ONBEAT_PORT_80_TCP", "REGION"],
)
def test_a_variable_that_others_set_is_not_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "0")

    assert "no setting" not in cli("doctor").out
