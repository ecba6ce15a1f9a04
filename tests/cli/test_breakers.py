"""`onbeat breakers`."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.cli.running import Cli, start
from tests.waiting import wait_until


def test_no_breakers_say_how_one_comes_to_be(cli: Cli, database: str) -> None:
    result = cli("breakers", "ls")

    assert result.out == ""
    assert result.err.startswith("note: no breakers; code declares them")


def test_a_breaker_that_nobody_declared_is_not_found(cli: Cli, database: str) -> None:
    for verb in ("show", "open", "close"):
        result = cli("breakers", verb, "strip")
        assert result.code == 3
        assert "no breaker named 'strip'; `onbeat breakers ls` lists them" in result.err


GUARDED = """
from onbeat import Breaker, Onbeat
ob = Onbeat()
@ob.task(breakers=Breaker("bank", open_for="1h"))
async def pay() -> None: ...
"""


def test_a_job_that_waits_for_a_breaker_shows_until_when(
    cli: Cli, fresh: str, folder: Path
) -> None:
    module = f"guarded_{uuid.uuid4().hex}"  # of this test's own: an application is read once
    (folder / f"{module}.py").write_text(GUARDED)
    cli.answer("db", "migrate")

    def is_blocked() -> bool:
        return bool(cli.answer("jobs", "show", job)["job"]["state"] == "blocked")

    with start("worker", "--app", f"{module}:ob", "--json") as worker:
        worker.ready()
        cli.answer("breakers", "open", "bank")
        job = cli.answer("jobs", "enqueue", "pay", "--app", f"{module}:ob")["job"]["id"]
        wait_until(is_blocked)

        [told] = [each["what"] for each in cli.answer("jobs", "why", job)["reasons"]]
        shown = cli.answer("jobs", "show", job)["job"]["reason"]
        page = cli.text("jobs", "show", job)

    assert told.startswith("breaker bank is open until 20")
    assert shown == told
    assert f"reason     {told}" in page
    assert "1 job waits for it" in cli.text("breakers", "show", "bank")
