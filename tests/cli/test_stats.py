"""`onbeat stats`: what came of jobs, and how long they took."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.running import Cli, start
from tests.waiting import wait_until


@pytest.fixture
def ran(cli: Cli, app: str, database: str) -> None:
    """Two that completed, one that failed, one that waits."""
    for number in range(2):
        cli.answer("jobs", "enqueue", "charge", "--app", app, "--args", f'{{"order_id": {number}}}')
    cli.answer("jobs", "enqueue", "fails", "--app", app, "--args", '{"message": "no"}')
    cli.answer("jobs", "enqueue", "charge", "--app", app, "--args", '{"order_id": 9}', "--delay",
               "1h")  # fmt: skip
    with start("up", "--app", app, "--json") as process:
        process.ready()
        wait_until(lambda: cli.answer("stats")["looked_at"] == 3)


def rows(cli: Cli, *arguments: str) -> dict[str, Any]:
    """The figures by name."""
    return {each["name"]: each for each in cli.answer("stats", *arguments)["data"]}


def test_figures_are_told_by_task(cli: Cli, ran: None) -> None:
    told = cli.answer("stats")
    found = rows(cli)

    assert (told["looked_at"], told["is_exact"]) == (3, True)
    assert found["charge"]["states"]["completed"] == {"number": 2, "is_exact": True}
    assert found["charge"]["states"]["scheduled"]["number"] == 1
    assert (found["charge"]["success_rate"], found["fails"]["success_rate"]) == (1.0, 0.0)
    assert found["charge"]["p50_s"] <= found["charge"]["p95_s"] < 60


def test_figures_are_told_by_queue_and_of_one_task(cli: Cli, ran: None) -> None:
    assert set(rows(cli, "--by", "queue")) == {"billing", "default"}
    assert set(rows(cli, "--task", "fails")) == {"fails"}


def test_people_see_a_table_with_a_row_for_all(cli: Cli, ran: None) -> None:
    lines = cli.text("stats", "--window", "1h").splitlines()

    assert lines[0].split()[:3] == ["NAME", "WAITING", "RUNNING"]
    assert lines[-1].split()[:6] == ["all", "1", "0", "2", "1", "0"]
    assert "66.7%" in lines[-1]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [(("--window", "soon"), "window"), (("--window", "1h", "--since", "2026-01-01"), "since"),
     (("--by", "colour"), "by")],
)  # fmt: skip
def test_what_is_wrong_is_named(
    cli: Cli, database: str, arguments: tuple[str, ...], field: str
) -> None:
    code, told = cli.refusal("stats", *arguments)

    assert code == 2
    assert field in told
