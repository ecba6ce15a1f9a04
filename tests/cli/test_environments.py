"""Environments from outside: the option, the variable, the file, and a fleet in each."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from onbeat.store.schema_state import HEAD
from tests.cli.running import Cli, start

WAYS = ("option", "variable", "file", "url")


@pytest.mark.parametrize("way", WAYS)
def test_an_environment_is_said_by_option_variable_file_or_url(
    cli: Cli, fresh: str, way: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for environment in ((), ("--environment", "staging")):
        cli.answer("db", "migrate", *environment)
    cli.answer("jobs", "enqueue", "charge", "--environment", "staging")
    further: tuple[str, ...] = ()
    match way:
        case "option":
            further = ("--environment", "staging")
        case "variable":
            monkeypatch.setenv("ONBEAT_ENVIRONMENT", "staging")
        case "file":
            (folder / "onbeat.toml").write_text('environment = "staging"')
        case _:
            further = ("--db", f"{fresh}?environment=staging")

    assert len(cli.answer("jobs", "ls", *further)["jobs"]) == 1
    assert cli.answer("db", "status", *further)["environment"] == "staging"


def test_without_one_nothing_of_an_environment_is_seen(cli: Cli, fresh: str) -> None:
    for environment in ((), ("--environment", "staging")):
        cli.answer("db", "migrate", *environment)
    cli.answer("jobs", "enqueue", "charge", "--environment", "staging")

    assert cli.answer("jobs", "ls")["jobs"] == []
    assert cli.answer("jobs", "ls", "--environment", "staging")["jobs"] != []


def test_the_environments_are_listed_with_their_versions(cli: Cli, fresh: str) -> None:
    for name in ("staging", "pr-12"):
        cli.answer("db", "migrate", "--environment", name)
    without = cli.answer("db", "environments")["environments"]
    cli.answer("db", "migrate")

    told = cli.answer("db", "environments", "--environment", "staging")["environments"]

    row = {"schema": HEAD, "is_current": True}
    named = [{"environment": name, **row} for name in ("pr-12", "staging")]
    assert without == named
    assert told == [{"environment": None, **row}, *named]


def test_a_file_beside_that_is_not_onbeat_s_is_no_environment(cli: Cli, folder: Path) -> None:
    database = f"sqlite:///{folder / 'shop.db'}"
    cli.answer("db", "migrate", "--db", database)
    with closing(sqlite3.connect(folder / "shop.other.db")) as other:
        other.execute("CREATE TABLE orders (id)")

    listed = cli.answer("db", "environments", "--db", database)["environments"]

    assert [each["environment"] for each in listed] == [None]


def test_the_doctor_names_the_environment(cli: Cli, fresh: str) -> None:
    cli.answer("db", "migrate", "--environment", "staging")

    answer = cli.answer("doctor", "--environment", "staging")

    [told] = [each["message"] for each in answer["checks"] if each["name"] == "environment"]
    assert told.startswith("staging, in ")
    assert ("schema onbeat_staging" in told) or ("fresh.staging.db" in told)
    [row] = [each for each in answer["settings"] if each["name"] == "environment"]
    assert (row["value"], row["source"]) == ("staging", "--environment")


def test_the_doctor_tells_the_command_for_one_without_tables(cli: Cli, postgres_url: str) -> None:
    result = cli("doctor", "--db", postgres_url, "--environment", "staging")

    assert result.code == 5
    assert "run `onbeat db migrate --environment staging`" in result.err


@pytest.mark.parametrize("name", ["Staging", "a b", "x" * 57])
def test_a_wrong_name_is_refused_and_nothing_is_made(cli: Cli, folder: Path, name: str) -> None:
    code, message = cli.refusal("db", "migrate", "--environment", name)

    assert code == 2
    assert message.startswith("environment: ")
    assert list(folder.glob("*.db*")) == []


def test_an_option_and_a_url_that_differ_are_refused(cli: Cli, fresh: str) -> None:
    code, message = cli.refusal(
        "jobs", "ls", "--db", f"{fresh}?environment=a", "--environment", "b"
    )

    assert code == 2
    assert "'b' is given, and the database's URL says 'a'" in message


def test_a_fleet_in_each_runs_its_own_jobs_and_no_others(cli: Cli, fresh: str, app: str) -> None:
    places = [(), ("--environment", "staging"), ("--environment", "live")]
    for further in places:
        cli.answer("db", "migrate", *further)
    with ExitStack() as stack:
        for further in places * 2:
            stack.enter_context(start("up", "--app", app, "--json", *further)).ready()
        asked = ("jobs", "enqueue", "charge", "--app", app, "--wait", "--timeout", "30s")
        answers = [
            cli.answer(*asked, "--args", f'{{"order_id": {number}}}', *further)
            for number, further in enumerate(places)
        ]
        workers = [cli.answer("workers", "ls", *each)["workers"] for each in places]

    assert [each["result"] for each in answers] == [f"charged {n}" for n in range(3)]
    assert [len(each) for each in workers] == [2, 2, 2]
    for further in places:
        assert len(cli.answer("jobs", "ls", *further)["jobs"]) == 1
        assert [each["name"] for each in cli.answer("schedules", "ls", *further)["schedules"]] == [
            "hourly-report"
        ]
        assert cli("db", "verify", *further).code == 0


def test_a_process_says_its_environment_when_it_is_ready(cli: Cli, fresh: str, app: str) -> None:
    cli.answer("db", "migrate", "--environment", "staging")

    with start("up", "--app", app, "--json", ONBEAT_ENVIRONMENT="staging") as process:
        assert process.ready()["environment"] == "staging"


@pytest.fixture
def placed_app(folder: Path) -> str:
    """An application whose code says its environment."""
    (folder / "placed_shop.py").write_text(
        'from onbeat import Onbeat\nob = Onbeat(environment="of-code")\n'
    )
    return "placed_shop:ob"


def test_the_option_comes_before_the_code_and_the_code_before_the_variable(
    cli: Cli, fresh: str, placed_app: str
) -> None:
    env = {"ONBEAT_ENVIRONMENT": "of-variable"}
    for name in ("of-code", "of-option"):
        cli.answer("db", "migrate", "--environment", name)

    with start("up", "--app", placed_app, "--json", **env) as process:
        by_code = process.ready()["environment"]
    option = ("--environment", "of-option")
    with start("up", "--app", placed_app, "--json", *option, **env) as process:
        by_option = process.ready()["environment"]

    assert (by_code, by_option) == ("of-code", "of-option")
