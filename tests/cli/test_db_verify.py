"""`onbeat db verify`: is the record sound?"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from onbeat.store.verify.laws import Law
from tests.cli.running import Cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def job(cli: Cli, app: str, database: str) -> str:
    """A pending job."""
    answer = cli.answer("jobs", "enqueue", "charge", "--args", '{"order_id": 1}', "--app", app)
    return str(answer["job"]["id"])


def break_by_hand(statement: str) -> None:
    """Do what nobody should to the database."""
    connection = sqlite3.connect("onbeat.db")
    with connection:
        connection.execute(statement)
    connection.close()


def test_a_sound_store_exits_0_and_says_what_was_read(cli: Cli, job: str) -> None:
    lines = cli.text("db", "verify").splitlines()

    assert lines[0].startswith("read 1 job, 0 attempts, 0 occurrences in ")
    assert lines[1] == "every law holds"


def test_a_sound_store_is_told_to_programs(cli: Cli, job: str) -> None:
    answer = cli.answer("db", "verify")

    assert (answer["sound"], answer["jobs"], answer["breaches"]) == (True, 1, [])


def test_a_breach_exits_1_and_names_the_job_the_law_and_what_it_means(cli: Cli, job: str) -> None:
    break_by_hand("DELETE FROM onbeat_ready")

    result = cli("db", "verify")

    assert result.code == 1
    assert f"no-place (1): {Law.NO_PLACE.wrong};" in result.out
    assert Law.NO_PLACE.meaning in result.out
    assert job in result.out
    assert result.err == "error: 1 law of the store broken: no-place\n"


def test_a_breach_is_told_to_programs(cli: Cli, job: str) -> None:
    break_by_hand("DELETE FROM onbeat_ready")

    result = cli("db", "verify", "--json")

    assert result.code == 1
    assert '"sound":false' in result.out
    assert f'"law":"no-place","id":"{job}"' in result.out


def test_many_breaches_are_counted_and_the_first_are_shown(cli: Cli, database: str) -> None:
    break_by_hand(
        "INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt) "
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 22) "
        "SELECT 'default', 5, 1, printf('%032x', n), 0 FROM number"
    )

    out = cli("db", "verify").out

    assert "no-book (22)" in out
    assert "and 2 more; --json shows them" in out


def test_a_database_that_is_not_there_is_not_made(cli: Cli, folder: Path) -> None:
    code, message = cli.refusal("db", "verify")

    assert code == 5
    assert "there is no database" in message
    assert list(folder.glob("*.db")) == []


def test_every_law_is_documented_with_what_it_means() -> None:
    table = (ROOT / "docs/operations.md").read_text().split("<!-- laws -->")[1]

    assert all(f"| `{law}` | {law.wrong} | {law.meaning} |" in table for law in Law)
