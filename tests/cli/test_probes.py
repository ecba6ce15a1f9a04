"""The probe port of processes that serve no API: alive, ready, and why not."""

from __future__ import annotations

import json
import re
import signal
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.cli.running import Cli, Process, start
from tests.servers.relay import Relay
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
APP = """
import os, time
from onbeat import Onbeat, PartitionedService, PeriodicService, every

ob = Onbeat()

@ob.task
def waits_for(path: str) -> None:
    open(path + ".begun", "w").close()
    while not os.path.exists(path):
        time.sleep(0.01)

@ob.task
async def holds_the_loop(path: str) -> None:
    waits_for(path)

class Importing(PartitionedService):
    async def keys(self):
        return ["acme"]

    async def run_key(self, key): ...

class Failing(PeriodicService):
    async def set_up(self):
        raise ValueError("no secret is told")

    async def run_once(self): ...

ob.service(lambda store: Importing(store, id="csv-import", when=every("1h")))
ob.service(lambda store: Failing(id="failing", when=every("1h"), critical=False, auto_start=False))
"""

COMMANDS = pytest.mark.parametrize(
    "command",
    [("worker",), ("scheduler",), ("run", "csv-import"), ("up",)],
    ids=lambda command: command[0],
)


@pytest.fixture
def shop(folder: Path) -> str:
    """Where the application is."""
    module = f"shop_{uuid.uuid4().hex}"
    (folder / f"{module}.py").write_text(APP)
    return f"{module}:ob"


def ask(address: str, path: str, **options: Any) -> tuple[int, Any]:
    """The status and the answer, JSON read."""
    try:
        with urlopen(Request(address + path, **options), timeout=20) as told:  # noqa: S310
            status, text, kind = told.status, told.read(), told.headers["Content-Type"]
    except HTTPError as refused:
        status, text, kind = refused.code, refused.read(), refused.headers["Content-Type"]
    return status, json.loads(text) if kind == "application/json" else text.decode()


def is_ready(address: str) -> bool:
    return ask(address, "/readyz")[0] == 200


@COMMANDS
def test_a_process_answers_the_probes_that_the_api_answers(
    cli: Cli, fresh: str, shop: str, command: tuple[str, ...]
) -> None:
    cli.answer("db", "migrate")
    with start(*command, "--app", shop, "--json", ONBEAT_PROBE_PORT="0") as process:
        address = process.ready()["probes"]
        wait_until(lambda: is_ready(address), 20)
        alive, ready = ask(address, "/livez"), ask(address, "/readyz")
        figures = ask(address, "/metrics")

    assert alive == (200, {"status": "ok"})
    latency = ready[1]["dependencies"]["database"].pop("latency_ms")
    assert latency > 0
    assert ready == (
        200, {"status": "ok", "reason": None, "dependencies": {"database": {"status": "up"}}}
    )  # fmt: skip
    assert figures[0] == 200
    assert "onbeat_process_ready 1.0" in figures[1]
    kind = {"up": "scheduler", "run": "csv-import"}.get(command[0], command[0])
    assert f'onbeat_process_services{{service="{kind}",status="running"}} 1.0' in figures[1]
    assert f'onbeat_process_steps_total{{outcome="success",service="{kind}"}}' in figures[1]
    assert "steward" not in figures[1]
    documented = (ROOT / "docs/health.md").read_text()
    names = re.findall(r"^(\w+){?", re.sub(r"^#.*\n", "", figures[1], flags=re.M), re.M)
    assert [name for name in sorted({*names}) if f"`{name}`" not in documented] == []


@COMMANDS
def test_it_listens_nowhere_unless_it_is_told_to(
    shop: str, database: str, command: tuple[str, ...]
) -> None:
    with start(*command, "--app", shop, "--json") as process:
        assert process.ready()["probes"] is None


def test_a_process_that_serves_the_api_answers_them_there(shop: str, database: str) -> None:
    served = {"ONBEAT_API": "true", "ONBEAT_PORT": "0", "ONBEAT_PROBE_PORT": "0"}
    with start("up", "--app", shop, "--json", **served) as process:
        ready = process.ready()
        assert ready["probes"] is None
        assert ask(ready["api"], "/readyz")[0] == 200


@pytest.fixture
def worker(shop: str, database: str) -> Iterator[Process]:
    """A worker with a probe port."""
    with start("worker", "--app", shop, "--json", "--probe-port", "0") as process:
        yield process


def test_while_it_drains_it_lives_and_is_not_ready(
    cli: Cli, shop: str, worker: Process, folder: Path
) -> None:
    address, end = worker.ready()["probes"], folder / "end"
    cli.answer("jobs", "enqueue", "waits_for", "--app", shop, "--args", f'{{"path": "{end}"}}')
    wait_until(Path(f"{end}.begun").exists, 20)

    worker.signal(signal.SIGTERM)
    wait_until(lambda: not is_ready(address))
    status, told = ask(address, "/readyz")
    alive = ask(address, "/livez")
    end.touch()

    assert (status, alive[0]) == (503, 200)
    assert told == {
        "status": "error", "dependencies": {},
        "reason": "draining: it takes nothing new, and ends when its work has",
    }  # fmt: skip
    assert worker.end().code == 0


def test_while_its_loop_is_stuck_it_answers_nothing(
    cli: Cli, shop: str, worker: Process, folder: Path
) -> None:
    address, end = worker.ready()["probes"], folder / "end"
    cli.answer("jobs", "enqueue", "holds_the_loop", "--app", shop, "--args", f'{{"path": "{end}"}}')
    wait_until(Path(f"{end}.begun").exists, 20)

    with pytest.raises(TimeoutError):
        urlopen(f"{address}/livez", timeout=0.5)  # noqa: S310
    end.touch()

    assert ask(address, "/livez")[0] == 200


def test_while_its_database_is_silent_it_lives_and_is_not_ready(
    cli: Cli, shop: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = Relay(postgres_url)
    relay.start()
    monkeypatch.setenv("ONBEAT_DB", relay.url)
    cli.answer("db", "migrate")
    with start("scheduler", "--app", shop, "--json", "--probe-port", "0") as process:
        address = process.ready()["probes"]
        wait_until(lambda: is_ready(address), 20)
        relay.hold()
        status, told = ask(address, "/readyz")
        alive = ask(address, "/livez")
        relay.release()
        wait_until(lambda: is_ready(address), 30)
    relay.stop()

    assert (status, alive[0]) == (503, 200)
    assert told["reason"] == "the database does not answer, or lacks tables that are needed"
    assert told["dependencies"]["database"] == {"status": "down", "latency_ms": None}


def test_a_service_that_it_was_started_for_and_that_failed_is_told_without_its_error(
    shop: str, database: str
) -> None:
    with start("run", "failing", "--app", shop, "--json", "--probe-port", "0") as process:
        address = process.ready()["probes"]
        status, told = ask(address, "/readyz")
        alive = ask(address, "/livez")

    assert (status, told["reason"], alive[0]) == (503, "failing is ERROR", 200)


def test_what_else_is_asked_is_refused(worker: Process) -> None:
    address = worker.ready()["probes"]

    elsewhere, posted = ask(address, "/api/v1/jobs"), ask(address, "/livez", method="POST")
    head = ask(address, "/livez?verbose", method="GET")
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as plain:
        plain.sendall(b"EHLO there\r\n\r\n")
        said = plain.recv(1000)

    assert elsewhere == (
        404, {"status": "error", "reason": "there are /livez, /readyz and /metrics"}
    )  # fmt: skip
    assert (posted[0], head[0]) == (405, 200)
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_where_metrics_are_closed_they_are_closed_here_too(shop: str, database: str) -> None:
    said = {"ONBEAT_METRICS": "closed", "ONBEAT_PROBE_PORT": "0"}
    with start("scheduler", "--app", shop, "--json", **said) as process:
        status, told = ask(process.ready()["probes"], "/metrics")

    assert (status, told["reason"]) == (
        404, "ONBEAT_METRICS is closed, and no tokens are looked up here"
    )  # fmt: skip


@COMMANDS
def test_a_port_that_is_taken_stops_the_start(
    cli: Cli, shop: str, database: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("ONBEAT_PROBE_PORT", str(port))
        code, told = cli.refusal(*command, "--app", shop, "--for", "1ms")

    assert (code, told) == (
        2,
        f"probe_port: 127.0.0.1:{port} cannot be listened on: Address already in use; give "
        "another, or end what has it",
    )


def test_a_wrong_port_is_refused_by_name(
    cli: Cli, shop: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = cli.refusal("worker", "--app", shop, "--probe-port", "70000")
    monkeypatch.setenv("ONBEAT_PROBE_PORT", "many")
    variable = cli.refusal("worker", "--app", shop)

    assert option[0] == variable[0] == 2
    assert "--probe-port" in option[1]
    assert variable[1] == "ONBEAT_PROBE_PORT: 'many' is no port; give a number from 0 to 65535"
