"""`onbeat run`: services of an application as processes, of which one may be killed."""

from __future__ import annotations

import json
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from onbeat import Onbeat, Service
from tests.cli.running import Cli, Process, start
from tests.waiting import wait_until

APP = """
import asyncio, json, os, time
from onbeat import Onbeat, PartitionedService, PeriodicService, every

ob = Onbeat()

def told(**said):
    with open("told", "a") as out:
        out.write(json.dumps({"pid": os.getpid(), "at": time.time(), **said}) + "\\n")

class Importing(PartitionedService):
    async def keys(self):
        return [f"company-{number}" for number in range(6)]

    async def run_key(self, key):
        told(key=key, what="begun")
        await asyncio.sleep(0.2)
        told(key=key, what="ended")

class Counting(PeriodicService):
    async def run_once(self):
        told(key="", what="counted")

ob.service(lambda store: Importing(store, id="csv-import", when=every("1s")))
ob.service(lambda store: Counting(
    id="counting", name="Counts the stock", when=every("1s"), auto_start=False, critical=False
))
"""


@pytest.fixture
def services(folder: Path) -> str:
    """Where an application with two services is."""
    module = f"shop_{uuid.uuid4().hex}"
    (folder / f"{module}.py").write_text(APP)
    return f"{module}:ob"


def told(folder: Path) -> list[dict[str, Any]]:
    """What the services said so far, a half-written line left out."""
    path = folder / "told"
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(each) for each in lines]


def test_what_there_is_to_run_is_listed(cli: Cli, services: str) -> None:
    listed = cli.answer("run", "--list", "--app", services)["services"]
    text = cli.text("run", "--list", "--app", services)
    variables = {each["id"]: set(each.pop("variables")) for each in listed}

    assert variables["csv-import"] - {"CSV_IMPORT_CONCURRENCY"} == {
        each.replace("COUNTING", "CSV_IMPORT") for each in variables["counting"]
    }
    assert listed == [
        {"id": "csv-import", "name": "csv-import", "kind": "Importing", "auto_start": True,
         "critical": True, "wrong": None},
        {"id": "counting", "name": "Counts the stock", "kind": "Counting", "auto_start": False,
         "critical": False, "wrong": None},
    ]  # fmt: skip
    assert "Counts the stock" in text


OFTEN = "CSV_IMPORT_INTERVAL: 'often' is not a duration; write it like 90s, 15m, 1h30m, 2d or PT24H"


def test_a_variable_of_a_service_that_is_wrong_stops_the_start_by_its_name(
    cli: Cli, services: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSV_IMPORT_INTERVAL", "often")

    for command in (("run", "csv-import"), ("run", "counting", "csv-import"), ("scheduler",)):
        assert cli.refusal(*command, "--app", services) == (2, OFTEN)


def test_a_variable_of_another_service_that_is_wrong_stops_none(
    cli: Cli, services: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSV_IMPORT_INTERVAL", "often")

    ran = cli("run", "counting", "--app", services, "--for", "100ms")

    assert ran.code == 0, ran.err


def test_the_list_names_what_is_wrong_with_one_and_shows_the_others(
    cli: Cli, services: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSV_IMPORT_INTERVAL", "often")

    told = cli("run", "--list", "--app", services)
    answer = cli("run", "--list", "--app", services, "--json")

    assert (told.code, answer.code) == (2, 2)
    assert "Counts the stock" in told.out
    assert f"csv-import would not start: {OFTEN}" in told.err
    assert {each["id"]: each["wrong"] for each in json.loads(answer.out)["services"]} == {
        "csv-import": OFTEN, "counting": None,
    }  # fmt: skip


def test_an_application_without_services_says_how_to_add_one(cli: Cli, app: str) -> None:
    assert "`ob.service(…)` adds one" in cli("run", "--list", "--app", app).err


def test_what_is_not_there_is_said_with_what_is(cli: Cli, services: str, database: str) -> None:
    code, said = cli.refusal("run", "csv-imprt", "--app", services)
    nothing, asked = cli.refusal("run", "--app", services)

    assert (code, said) == (
        3, "the application has no service 'csv-imprt'; there are: counting, csv-import"
    )  # fmt: skip
    assert (nothing, asked) == (
        2, "service: name one or more; `onbeat run --list` shows which there are"
    )  # fmt: skip


@pytest.mark.parametrize("asked", [("counting",), ("--scheduler=counting",)])
def test_the_named_one_is_run_and_nothing_else(
    cli: Cli, services: str, database: str, folder: Path, asked: tuple[str, ...]
) -> None:
    with start("run", *asked, "--app", services, "--json") as process:
        ready = process.ready()
        wait_until(lambda: told(folder), 10, "it has counted")
        seen = {each["id"] for each in cli.answer("services", "ls")["services"]}
        process.signal(signal.SIGTERM)
        ended = process.end()

    assert (ready["services"], ready["worker"], ready["scheduler"]) == (["counting"], False, False)
    assert {each["what"] for each in told(folder)} == {"counted"}
    assert "counting" in {each.split("@")[0] for each in seen}
    assert not {"worker", "scheduler", "csv-import"} & {each.split("@")[0] for each in seen}
    assert ended.code == 0
    assert '"service":"counting"' in ended.err.replace(" ", "")


def test_beside_others_a_scheduler_can_be_left_out_and_alone_it_cannot(
    app: str, database: str
) -> None:
    off = {"SCHEDULER_ENABLED": "false"}
    with start("up", "--app", app, "--json", **off) as process:
        beside = process.ready()
    with start("scheduler", "--app", app, "--json", **off) as process:
        alone = process.ready()

    assert (beside["scheduler"], beside["worker"], alone["scheduler"]) == (False, True, True)


@pytest.mark.parametrize(("said", "critical"), [("true", True), ("false", False)])
async def test_services_of_ones_own_are_restarted_unless_that_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, database_url: str, said: str, critical: bool
) -> None:
    monkeypatch.setenv("SCHEDULER_AUTO_RESTART", said)
    ob = Onbeat(database_url)
    ob.service(lambda store: Resting(id="resting", timing=store.timing))
    async with ob, ob.running(worker=False) as manager:
        resting, scheduler = manager.get("resting"), manager.get("scheduler")

    assert (resting.critical, scheduler.critical) == (critical, True)


async def test_in_a_process_of_ones_own_no_scheduler_runs_where_it_is_switched_off(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("ONBEAT_SCHEDULER_ENABLED", "false")
    ob = Onbeat(database_url)
    ob.service(lambda store: Resting(id="resting", timing=store.timing))
    async with ob, ob.running() as manager:
        ids = {each.id for each in manager}

    assert "worker" in ids
    assert not {"scheduler", "resting"} & ids


class Resting(Service):
    """Does nothing."""

    async def step(self) -> float:
        return 3600


@pytest.fixture
def three(fresh: str, cli: Cli, services: str) -> Iterator[list[Process]]:
    """Three processes of one service, on either engine."""
    cli.answer("db", "migrate")
    with ExitStack() as stack:
        begun = [
            stack.enter_context(start("run", "csv-import", "--app", services, "--json"))
            for _ in range(3)
        ]
        for each in begun:
            each.ready()
        yield begun


def shared_evenly(folder: Path, pids: set[int]) -> bool:
    """Whether of late each of the processes ran two keys."""
    late = [each for each in told(folder) if each["at"] > time.time() - 1.5]
    had = {pid: {each["key"] for each in late if each["pid"] == pid} for pid in pids}
    return all(len(keys) == 6 // len(pids) for keys in had.values())


def test_each_key_has_one_process_and_of_a_killed_one_the_keys_become_others(
    three: list[Process], folder: Path
) -> None:
    pids = {each.pid for each in three}
    wait_until(lambda: shared_evenly(folder, pids), 60, "each process has two keys")
    killed = three[0].pid

    three[0].signal(signal.SIGKILL)
    at = time.time()
    last = {each["key"]: each["pid"] for each in told(folder)}
    lost = {key for key, pid in last.items() if pid == killed}

    def are_run_by_others() -> bool:
        since = [each for each in told(folder) if each["at"] > at and each["pid"] != killed]
        return lost <= {each["key"] for each in since}

    wait_until(are_run_by_others, 60, "the others run its keys")
    assert len(lost) == 2
    assert overlaps(told(folder), killed, at) == []


def overlaps(lines: list[dict[str, Any]], killed: int, at: float) -> list[tuple[str, float]]:
    """Keys that two processes ran at once, and when; one of them was killed at that moment."""
    running: dict[str, int] = {}
    found = []
    for each in lines:
        other = running.get(each["key"], each["pid"])
        other = each["pid"] if other == killed and each["at"] > at else other
        if each["what"] == "begun":
            if other != each["pid"]:
                found.append((each["key"], each["at"]))
            running[each["key"]] = each["pid"]
        elif other == each["pid"]:
            running.pop(each["key"], None)
    return found
