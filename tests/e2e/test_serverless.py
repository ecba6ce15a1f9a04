"""The example `examples/serverless` and its like, called as their host does, held to the record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from onbeat import Onbeat
from onbeat.domain.recurrence import cron
from onbeat.domain.states import State
from tests.servers.postgres import free_port
from tests.waiting import wait_for, wait_until

FOLDER = Path(__file__).parents[2] / "examples" / "serverless"
HOST = json.loads((FOLDER / "vercel.json").read_text())
SECRET = "a secret of more than 16"  # noqa: S105 - it opens nothing

APP = """
import asyncio
from pathlib import Path
from onbeat import Onbeat, Run, every
from onbeat.api import make_asgi

ob = Onbeat()


@ob.schedule(every("1s"))
@ob.task(name="due")
async def due() -> None: ...


@ob.task
async def write(run: Run, dawdles: bool = False) -> None:
    is_first = not Path("effects").exists()
    with Path("effects").open("a") as effects:
        effects.write(f"{run.job}\\n")
    if dawdles and is_first:
        await asyncio.Event().wait()


app = make_asgi(ob)
"""


class Function:
    """A process that does nothing unless it is called."""

    def __init__(self, module: str, folder: Path, database: str) -> None:
        port = free_port()
        environment = {
            **os.environ, "ONBEAT_DB": database, "CRON_SECRET": SECRET,
            "ONBEAT_HEARTBEAT": "200ms", "ONBEAT_RESCUE_AFTER": "1s",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(port),
             "--lifespan", "off"],
            cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=60,
            headers={"Authorization": f"Bearer {SECRET}"},
        )  # fmt: skip
        wait_until(self._listens, 30)

    def call(self) -> dict[str, Any]:
        """What the host's cron is answered."""
        [asked] = HOST["crons"]
        answer = self._client.get(asked["path"])
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._client.close()

    def _listens(self) -> bool:
        try:
            return self._client.get("/livez").is_success
        except httpx.ConnectError:
            return False


Begin = Callable[..., Function]


@pytest.fixture
def begin(database_url: str, tmp_path: Path) -> Iterator[Begin]:
    """Begins functions, on either engine."""
    (tmp_path / "quick.py").write_text(APP)
    begun: list[Function] = []

    def start(module: str = "quick", folder: Path = tmp_path) -> Function:
        begun.append(Function(module, folder, database_url))
        return begun[-1]

    yield start
    for each in begun:
        each.kill()


def test_the_host_is_told_to_call_each_minute_what_the_function_answers() -> None:
    [asked] = HOST["crons"]
    [rule] = HOST["rewrites"]

    assert cron(asked["schedule"]).describe() == "every minute (UTC)"
    assert (FOLDER / f"{rule['destination'].lstrip('/')}.py").is_file()
    assert all((FOLDER / each).is_file() for each in HOST["functions"])


async def test_the_example_keeps_its_schedules_and_runs_what_is_asked_for(
    database_url: str, begin: Begin
) -> None:
    function = begin("api.index", FOLDER)
    first = function.call()

    async with Onbeat(database_url) as ob:
        schedules = await ob.schedules.list()
        job = await ob.schedules.trigger("daily-report", by="ann")
        then = function.call()
        ended = await ob.jobs.find(job.id)

    assert first["status"] == then["status"] == "complete"
    assert {each.name for each in schedules} == {"collect-orders", "daily-report"}
    assert (ended.state, then["ended"] >= 1) == (State.COMPLETED, True)


async def test_what_was_due_while_nobody_called_is_made_once_by_calls_at_once(
    database_url: str, begin: Begin
) -> None:
    functions = [begin(), begin()]
    told = [functions[0].call()]
    async with Onbeat(database_url) as ob:

        async def is_due() -> bool:
            at = (await ob.schedules.find("due")).next_due_at
            return at is not None and at <= datetime.now(UTC)

        await wait_for(is_due)
        with ThreadPoolExecutor(2) as hosts:
            told += hosts.map(Function.call, functions)
        jobs = await ob.jobs.list()

    assert len(jobs) == sum(each["fired"] for each in told) > 0
    assert len({each.occurrence_at for each in jobs}) == len(jobs)
    # One that came due as the last call ended waits for the next.
    assert {each.state for each in jobs} <= {State.COMPLETED, State.PENDING}


async def test_jobs_are_run_once_by_calls_that_overlap(
    database_url: str, begin: Begin, tmp_path: Path
) -> None:
    functions = [begin(), begin()]
    async with Onbeat(database_url) as ob:
        jobs = [await ob.jobs.enqueue("write", must_be_known=False) for _ in range(50)]
    with ThreadPoolExecutor(2) as hosts:
        told = list(hosts.map(Function.call, functions))

    written = (tmp_path / "effects").read_text().split()
    assert sorted(written) == sorted(str(each.id) for each in jobs)
    assert {each["status"] for each in told} == {"complete"}


async def test_what_a_killed_call_was_at_is_run_by_one_that_follows(
    database_url: str, begin: Begin, tmp_path: Path
) -> None:
    async with Onbeat(database_url) as ob:
        job = await ob.jobs.enqueue("write", '{"dawdles": true}', must_be_known=False)
        function = begin()
        with ThreadPoolExecutor(1) as host:
            called = host.submit(function.call)
            wait_until((tmp_path / "effects").exists, 30)
            function.kill()
        assert isinstance(called.exception(), httpx.HTTPError)

        following = begin()

        async def has_ended() -> bool:
            return (await ob.jobs.find(job.id)).state is State.COMPLETED

        for _ in range(5):  # it is lost once it was silent for a second
            following.call()
            if await has_ended():
                break

    assert (tmp_path / "effects").read_text().split() == [str(job.id)] * 2
