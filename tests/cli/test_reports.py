"""`onbeat report` and `onbeat objectives`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from onbeat.cli.views.reports import percent
from tests.cli.running import Cli


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either engine, which commands find by themselves."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return database_url


def test_a_report_is_shown_or_written_as_is_asked(cli: Cli, database: str, tmp_path: Path) -> None:
    page = tmp_path / "report.html"

    cli("report", "--format", "html", "-o", str(page), "--kind", "queue")
    told = cli.answer("report", "--window", "24h")
    table = cli("report")

    assert page.read_text().startswith("<!doctype html>")
    assert (told["kind"], told["total"]["success_rate"]) == ("task", None)
    [titles, line] = csv.reader(io.StringIO(cli("report", "--format", "csv").out))
    assert (titles[0], line[0]) == ("kind", "all")
    assert json.loads(cli("report", "--format", "json").out)["rows"] == []
    assert table.out.splitlines()[0].split()[:2] == ["NAME", "JOBS"]
    assert "must run to do it" in table.err


@pytest.mark.parametrize(
    ("options", "field"),
    [(["--window", "soon"], "window"), (["--window", "200d"], "window"), (["-o", "x"], "output"),
     (["--format", "csv", "-o", "/nowhere/x"], "output")],
)  # fmt: skip
def test_what_is_wrong_is_named(cli: Cli, database: str, options: list[str], field: str) -> None:
    code, message = cli.refusal("report", *options)

    assert (code, message.split(":")[0]) == (2, field)


def test_a_budget_that_is_spent_a_thousand_times_is_told_in_digits() -> None:
    assert [percent(each) for each in (-998.9964, -99.0, 0.999, 0.0)] == [
        "-99,900%", "-9,900%", "99.9%", "0%",
    ]  # fmt: skip


def test_a_window_that_is_too_short_is_told_as_it_is_written(cli: Cli, database: str) -> None:
    told = cli.refusal("objectives", "set", "task/charge", "99%", "--window", "1m")
    assert told == (2, "window: 1m is out of range; give 1d to 365d")


def test_an_objective_is_set_shown_and_taken_away(cli: Cli, database: str) -> None:
    set_to = cli.answer("objectives", "set", "task/charge", "99.9%", "--window", "7d")["objective"]
    shown = cli("objectives", "ls").out

    assert (set_to["target"], set_to["window"], set_to["left_share"]) == (0.999, "7d", None)
    assert shown.splitlines()[1].split()[:3] == ["task/charge", "99.9%", "7d"]
    assert cli.answer("objectives", "rm", "task/charge") == {"removed": "task/charge"}
    assert cli.answer("objectives", "ls") == {"objectives": []}
    assert cli.answer("objectives", "show", "task/charge")["objective"]["is_default"]
    assert cli.refusal("objectives", "rm", "task/charge")[0] == 3
    assert cli.refusal("objectives", "set", "task/charge", "much") == (
        2, "target: 'much' is no share; give it as 99.9% or 0.999",
    )  # fmt: skip
