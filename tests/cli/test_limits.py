"""`onbeat limits`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import Cli, start


def test_a_queue_is_bound_at_run_time_and_let_go_again(cli: Cli, database: str) -> None:
    made = cli.answer("limits", "set", "queue/billing", "--concurrency", "5", "--rate", "100/min")

    limit = made["limit"]
    assert (limit["name"], limit["concurrency"], limit["rate"]) == ("queue/billing", 5, "100/1m")
    assert limit["by_hand"] is True
    assert "5 at once, 100/1m" in cli.text("limits", "ls")
    assert "no job holds it or waits for it" in cli.text("limits", "show", "queue/billing")
    assert cli.answer("limits", "reset", "queue/billing") == {"removed": "queue/billing"}
    assert cli.answer("limits", "ls") == {"limits": []}


def test_no_limits_say_how_one_comes_to_be(cli: Cli, database: str) -> None:
    result = cli("limits", "ls")

    assert result.out == ""
    assert result.err.startswith("note: no limits; code declares them")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "limit: it bounds nothing"),
        (("--concurrency", "0"), "concurrency: 0 would let no job begin"),
        (("--rate", "fast"), "rate: 'fast' is not a rate; give one as 100/min"),
        (("--concurrency", "1", "--burst", "3"), "burst: it goes with a rate"),
        (("--burst", "5"), "burst: it goes with a rate"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(
    cli: Cli, database: str, options: tuple[str, ...], told: str
) -> None:
    result = cli("limits", "set", "queue/billing", *options)

    assert result.code == 2
    assert told in result.err
    assert cli.answer("limits", "ls") == {"limits": []}


def test_a_limit_that_nobody_declared_is_not_found(cli: Cli, database: str) -> None:
    for words in (("show", "cals"), ("reset", "cals"), ("set", "cals", "--concurrency", "1")):
        result = cli("limits", *words)
        assert result.code == 3
        assert "no limit named 'cals'; `onbeat limits ls` lists them" in result.err


def test_a_slot_is_shown_without_the_colon_that_it_is_stored_with(
    cli: Cli, database: str, app: str
) -> None:
    cli.answer("limits", "set", "queue/billing", "--rate", "1/min")
    asked = ("jobs", "enqueue", "charge", "--app", app, "--args", '{"order_id": 1}')
    with start("worker", "--app", app, "--queues", "billing", "--json") as worker:
        worker.ready()
        cli.answer(*asked, "--wait", "--timeout", "20s")
        cli.answer(*asked)

        answer = cli.answer("limits", "show", "queue/billing")
        shown = cli.text("limits", "show", "queue/billing")

    assert (answer["limit"]["waiting"], answer["slots"][0]["waiting"]) == (1, 1)
    assert answer["slots"][0]["slot"] == "queue/billing"
    assert "queue/billing:" not in shown


def test_what_a_limit_no_longer_has_is_told(cli: Cli, fresh: str) -> None:
    cli.answer("db", "migrate")
    asked = ("limits", "set", "queue/mail")
    first = cli(*asked, "--concurrency", "5", "--rate", "100/min", "--burst", "20")

    second = cli(*asked, "--rate", "50/min", "--concurrency", "5")
    third = cli(*asked, "--concurrency", "6")

    assert first.err == ""
    assert second.out == "queue/mail allows 5 at once, 50/1m\n"
    assert second.err == "note: queue/mail had --burst 20 before; give it too to keep it\n"
    assert third.err == "note: queue/mail had --rate 50/1m before; give it too to keep it\n"


def test_a_burst_that_the_code_declares_is_told_to_be_gone(
    cli: Cli, fresh: str, folder: Path
) -> None:
    (folder / "bursting.py").write_text(
        "from onbeat import Limit, Onbeat\n"
        "ob = Onbeat()\n"
        "@ob.task(limits=Limit('bank', rate='100/min', burst=20))\n"
        "async def pay() -> None: ...\n"
    )
    cli.answer("db", "migrate")
    with start("worker", "--app", "bursting:ob", "--json") as worker:
        worker.ready()

    result = cli("limits", "set", "bank", "--rate", "50/min")

    assert result.err == "note: bank had --burst 20 before; give it too to keep it\n"
