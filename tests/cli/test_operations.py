"""`onbeat operations`."""

from __future__ import annotations

import asyncio

from onbeat import Onbeat
from onbeat.domain.operations import Action, Meant, Where
from tests.cli.running import Cli


def begun(url: str) -> str:
    """The id of an operation that nobody has carried on yet."""

    async def begin() -> str:
        async with Onbeat(url) as ob:
            meant = Meant(action=Action.CANCEL, where=Where(task=("charge",)))
            return (await ob.operations.begin(meant, by="ann")).id

    return asyncio.run(begin())


def test_one_is_listed_shown_and_stopped(cli: Cli, database: str) -> None:
    cli.text("jobs", "enqueue", "charge")
    operation = begun(database)

    listed = cli.answer("operations", "ls")["operations"]
    shown = cli.text("operations", "show", operation)
    stopped = cli.text("operations", "stop", operation)

    assert [(each["id"], each["state"]) for each in listed] == [(operation, "running")]
    assert "task charge" in shown
    assert "stopped, 0 of 1 done" in stopped
    assert cli.answer("operations", "show", operation)["state"] == "stopped"


def test_one_that_has_ended_is_not_stopped_again(cli: Cli, database: str) -> None:
    operation = begun(database)
    cli.text("operations", "stop", operation)

    assert cli.refusal("operations", "stop", operation)[0] == 4


def test_one_that_is_not_there_is_told(cli: Cli, database: str) -> None:
    assert cli.refusal("operations", "show", "0" * 32)[0] == 3


def test_where_there_are_none_it_says_so(cli: Cli, database: str) -> None:
    assert "no operations" in cli("operations", "ls").err
