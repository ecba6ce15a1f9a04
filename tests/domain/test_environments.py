"""Names of environments, and URLs that say one."""

from __future__ import annotations

from pathlib import Path

import pytest

from onbeat.domain.environments import (
    LONGEST,
    environment_of,
    in_environment,
    placed,
    schema_of,
    without_environment,
)
from onbeat.domain.errors import InvalidInput, InvalidSetting
from onbeat.settings import load_settings
from onbeat.store.postgres.addresses import read_address
from onbeat.store.rendering import qualified
from onbeat.store.sqlite.connections import database_path

URL = "postgresql://ann:p%40ss@db/shop?sslmode=require"


@pytest.mark.parametrize("name", ["staging", "a", "pr-12", "eu_west", "x" * LONGEST])
def test_a_name_of_letters_digits_and_dashes_is_allowed(name: str) -> None:
    assert environment_of(in_environment(URL, name)) == name


@pytest.mark.parametrize(
    "name",
    ["", "Staging", "1st", "-a", "_a", "a b", 'a"b', "a.b", "a/b", "ä", "a\n", "x" * (LONGEST + 1)],
)
def test_any_other_name_is_refused_with_what_is_allowed(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"environment: .* is not allowed; give a lower-case"):
        in_environment(URL, name)


def test_the_longest_name_s_schema_is_not_cut_by_postgresql() -> None:
    assert len(schema_of("x" * LONGEST) or "") == 63


def test_a_url_loses_its_environment_and_nothing_else() -> None:
    assert without_environment(in_environment(URL, "staging")) == URL
    assert without_environment("sqlite:///a.db?environment=b") == "sqlite:///a.db"


def test_what_is_given_comes_before_the_url_and_the_url_before_the_setting() -> None:
    said = in_environment(URL, "of-url")

    assert placed(URL, "given", "of-setting") == in_environment(URL, "given")
    assert placed(said, None, "of-setting") == said
    assert placed(URL, None, "of-setting") == in_environment(URL, "of-setting")
    assert placed(URL, None, None) == URL


def test_a_url_that_says_another_than_is_given_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'b' is given, and the database's URL says 'a'"):
        placed(in_environment(URL, "a"), "b", None)


@pytest.mark.parametrize(
    ("file", "its"),
    [("onbeat.db", "onbeat.x.db"), ("onbeat", "onbeat.x"), ("a.b.sqlite3", "a.b.x.sqlite3")],
)
def test_an_environment_has_a_file_of_its_own_beside_the_given_one(file: str, its: str) -> None:
    assert database_path(f"sqlite:////srv/{file}?environment=x") == Path("/srv") / its


@pytest.mark.parametrize(
    "parameter",
    ["search_path=app", "options=-csearch_path%3Dapp", "options=--search-path%3Dapp",
     "options=-c%20jit%3Doff%20-c%20search_path%3Dapp"],
)  # fmt: skip
def test_a_url_with_a_search_path_beside_an_environment_is_refused(parameter: str) -> None:
    with pytest.raises(InvalidSetting, match=r"environment: .*search_path too"):
        read_address(f"postgresql://db/shop?{parameter}&environment=staging")


def test_messages_tell_the_environment_and_the_driver_is_not_told() -> None:
    address = read_address(in_environment(URL, "staging"))

    assert address.shown == "postgresql://ann:***@db/shop?environment=staging"
    assert "environment" not in address.dsn


def test_a_wrong_name_in_the_settings_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="ONBEAT_ENVIRONMENT: 'No' is not allowed"):
        load_settings({"ONBEAT_ENVIRONMENT": "No"}, tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("onbeat_jobs.id FROM onbeat_jobs", '"s".onbeat_jobs.id FROM "s".onbeat_jobs'),
        ("FROM onbeat_jobs AS onbeat_jobs_1", 'FROM "s".onbeat_jobs AS onbeat_jobs_1'),
        ("to_regclass('onbeat_jobs')", "to_regclass('\"s\".onbeat_jobs')"),
        ("nextval('onbeat_leases_token_seq')", "nextval('\"s\".onbeat_leases_token_seq')"),
        ("DROP TABLE onbeat_jobs_202611", 'DROP TABLE "s".onbeat_jobs_202611'),
        ("LOCK TABLE onbeat_logs_default", 'LOCK TABLE "s".onbeat_logs_default'),
        ("FROM t FOR UPDATE OF onbeat_workflows", "FROM t FOR UPDATE OF onbeat_workflows"),
        ("FROM t FOR KEY SHARE OF onbeat_duties", "FROM t FOR KEY SHARE OF onbeat_duties"),
        ("CREATE INDEX onbeat_jobs_by_task ON onbeat_jobs (task)",
         'CREATE INDEX onbeat_jobs_by_task ON "s".onbeat_jobs (task)'),
        ('FROM "t".onbeat_schema', 'FROM "t".onbeat_schema'),
        ('CREATE SCHEMA "onbeat_regions"', 'CREATE SCHEMA "onbeat_regions"'),
        ('FROM "onbeat_jobs".onbeat_jobs', 'FROM "onbeat_jobs".onbeat_jobs'),
    ],
)  # fmt: skip
def test_each_table_of_ours_is_said_with_its_schema_and_nothing_else(
    statement: str, expected: str
) -> None:
    assert qualified(statement, "s") == expected
    assert qualified(statement, None) == statement
