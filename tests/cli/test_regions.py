"""`onbeat regions`, and what a job's page says of where it was sent."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from onbeat.cli.views import regions as view
from onbeat.domain.jobs import NewJob
from onbeat.domain.regions import Health, Regions, RegionState, Route, describe
from onbeat.store import regions
from onbeat.store.store import Store
from tests.cli.running import Cli, start
from tests.conftest import opened
from tests.contract.world import begin
from tests.factories import new_id

REGIONS = Regions({"us": "checks-us", "eu": "checks-eu"}, default="checks")


def test_regions_are_listed_with_where_their_jobs_go(cli: Cli, database: str) -> None:
    async def declare() -> None:
        async with opened(database) as store:
            await store.write(partial(regions.declare, wanted=REGIONS, source="code:app"))

    asyncio.run(declare())

    eu, us, default = cli.answer("regions", "ls")["regions"]

    assert (eu["region"], us["region"], default["region"]) == ("eu", "us", None)
    assert (us["queue"], us["workers"], us["goes_to"]) == ("checks-us", 0, "checks")
    assert us["unavailable"] == "no worker has served it"
    assert us["moves_at"].endswith("Z")
    assert "no worker has served it" in cli.text("regions", "ls")


def state_of(region: str | None, waiting: int, moves_at: datetime | None) -> RegionState:
    """A region that is not refused, where so many jobs wait, to be moved then."""
    return RegionState(
        region=region, queue="checks", health=Health(backlog=waiting), refusal=None,
        goes_to="checks", moves_at=moves_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("waiting", "seconds", "told"),
    [
        (1, 5, "; what waits moves at 2030-06-15T12:00:05Z"),
        (1, 0, "; what waits moves as soon as a worker is where it can go"),
        (1, -5, "; what waits moves as soon as a worker is where it can go"),
        (0, 5, ""),
        (0, -5, ""),
    ],
)
def test_a_moment_is_told_only_of_what_waits_and_while_it_is_to_come(
    waiting: int, seconds: int, told: str
) -> None:
    now = datetime(2030, 6, 15, 12, tzinfo=UTC)
    state = state_of(None, waiting, now + timedelta(seconds=seconds))

    [row] = view.rows([state], now)

    assert row[-1] == f"what no region can take{told}"


def test_of_a_region_that_can_take_jobs_only_the_move_of_what_waits_is_told() -> None:
    now = datetime(2030, 6, 15, 12, 0, 0, 500_000, tzinfo=UTC)

    [row] = view.rows([state_of("us", 1, now + timedelta(seconds=5))], now)

    assert row[-1] == "what waits moves at 2030-06-15T12:00:05Z"


@pytest.mark.parametrize(
    ("spread", "weights", "told"),
    [("round-robin", {}, "in turn"), ("weighted", {"us": 3}, "by weight")],
)
def test_what_names_no_region_is_listed_with_all_that_it_is_spread_over(
    cli: Cli, database: str, spread: str, weights: dict[str, int], told: str
) -> None:
    spreading = Regions(
        {"us": "checks-us", "eu": "checks-eu", "ap": "checks-ap"},
        default="checks", spread=spread, weights=weights,
    )  # fmt: skip

    async def declare() -> None:
        async with opened(database) as store:
            await store.write(partial(regions.declare, wanted=spreading, source="code:app"))
            for queue in ("checks-us", "checks-eu"):
                await begin(store, queues=(queue,))

    asyncio.run(declare())

    *_, default = cli.answer("regions", "ls")["regions"]
    assert default["spread_over"] == ["checks-eu", "checks-us"]
    *_, line = cli.text("regions", "ls").splitlines()
    assert f"what names no region, {told}" in line
    assert "checks-eu, checks-us" in line
    assert "checks-ap" not in line


def test_without_regions_the_list_says_what_names_them(cli: Cli, database: str) -> None:
    assert "ONBEAT_REGIONS names them" in cli("regions", "ls").err


def test_a_job_that_was_sent_elsewhere_and_moved_says_so(cli: Cli, database: str) -> None:
    route = describe("us", Route("checks-eu", "eu", "us: no worker for 30s"))
    job = NewJob(id=new_id(), task="check", queue="checks-eu", route=route)

    asyncio.run(_store_and_move(database, job))

    said = cli.text("jobs", "show", job.id)
    assert "wanted in us, sent to ap (nobody there); moved from checks-eu at 20" in said
    assert cli.answer("jobs", "show", job.id)["job"]["route"]["moved_from"] == "checks-eu"


WITH_REGIONS = """
from onbeat import Onbeat, Regions
ob = Onbeat(regions=Regions({"us": "checks-us", "eu": "checks-eu"}, default="checks"))
@ob.task(queue="checks")
async def check() -> None: ...
"""


@pytest.fixture
def regional(folder: Path) -> str:
    """Where an application with regions is; a module of this test's own."""
    module = f"regional_{uuid.uuid4().hex}"
    (folder / f"{module}.py").write_text(WITH_REGIONS)
    return f"{module}:ob"


def test_a_job_is_asked_for_in_a_region(cli: Cli, database: str, regional: str) -> None:
    with start("worker", "--app", regional, "--queues", "checks-eu", "--json") as worker:
        worker.ready()
        asked = cli.answer("jobs", "enqueue", "check", "--app", regional, "--region", "eu")["job"]

    assert (asked["queue"], asked["route"]) == ("checks-eu", {"asked": "eu", "region": "eu"})


def test_a_region_in_which_a_job_cannot_be_asked_for_is_refused(
    cli: Cli, database: str, regional: str, app: str
) -> None:
    enqueue = ("jobs", "enqueue", "check", "--app", regional, "--region")

    code, told = cli.refusal(*enqueue, "mars")
    assert (code, told) == (2, "region: 'mars' is no region here; known: us, eu")
    assert cli.refusal(*enqueue, "us", "--queue", "checks")[0] == 2


def test_without_an_application_its_regions_are_those_of_the_settings(
    cli: Cli, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_REGIONS", "us=checks-us")

    done = cli("jobs", "enqueue", "check", "--region", "us")

    assert "in queue default" in done.out
    assert "it gets 3 attempts, not the task's own" in done.err
    assert cli.answer("jobs", "ls")["jobs"][0]["route"]["asked"] == "us"


@pytest.mark.parametrize("command", ["worker", "up"])
@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_worker_of_a_region_that_the_application_has_not_is_refused(
    cli: Cli, fresh: str, regional: str, monkeypatch: pytest.MonkeyPatch, command: str, way: str
) -> None:
    cli.answer("db", "migrate")
    if way == "variable":
        monkeypatch.setenv("ONBEAT_REGION", "mars")
    option = ("--region", "mars") if way == "option" else ()

    code, message = cli.refusal(command, "--app", regional, "--for", "1s", *option)

    assert (code, message) == (2, "region: 'mars' is no region here; known: us, eu")


def test_a_worker_of_one_of_its_regions_runs(cli: Cli, database: str, regional: str) -> None:
    with start("worker", "--app", regional, "--region", "us", "--json") as worker:
        worker.ready()


def test_without_regions_a_worker_s_is_a_label(cli: Cli, database: str, app: str) -> None:
    with start("worker", "--app", app, "--region", "mars", "--json") as worker:
        worker.ready()
        [shown] = cli.answer("workers", "ls")["workers"]

    assert shown["region"] == "mars"


async def _store_and_move(url: str, job: NewJob) -> None:
    async with opened(url) as store:
        await store.enqueue([job])
        await _move(store)


async def _move(store: Store) -> None:
    to = Route("checks-ap", "ap")
    moved = partial(regions.move, queue="checks-eu", to=to, why="nobody there")
    assert len(await store.write(moved)) == 1
