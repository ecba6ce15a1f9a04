"""The example `examples/monitors/regions`, run as its users run it, and held against the record."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from onbeat import JobFilter, Onbeat
from onbeat.domain.jobs import Job
from tests.e2e.starting import ROOT, surroundings
from tests.servers.postgres import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

FOLDER = ROOT / "examples" / "monitors" / "regions"
SECONDS, PATIENCE = 200, 240
WINDOW = timedelta(seconds=5)
SECRET = "a secret of more than 16"  # noqa: S105 - it opens nothing


def run(url: str, module: str, *options: str, **settings: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        [sys.executable, "-m", f"examples.monitors.{module}", *options], cwd=ROOT,
        env=surroundings(ONBEAT_DB=url, **settings), capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr


async def all_checks(ob: Onbeat) -> list[Job]:
    jobs: list[Job] = []
    after: str | None = None
    while True:
        page = await ob.jobs.page(JobFilter(task="check", limit=1_000, after=after))
        jobs += page.jobs
        after = page.after
        if after is None:
            return jobs


async def test_each_row_is_seen_and_no_monitor_has_two_jobs_within_its_window(
    database_url: str,
) -> None:
    code, out, errors = run(database_url, "regions", "--brisk", MONITORS_SECONDS=str(SECONDS))

    assert (code, errors) == (0, ""), out
    assert " 0 missing" in out
    assert {f"A{row}" for row in range(1, 8)} == set(re.findall(r"^  (A\d) +seen ", out, re.M))
    async with Onbeat(database_url) as ob:
        jobs = await all_checks(ob)
    made: dict[int, list[datetime]] = defaultdict(list)
    for job in jobs:
        made[json.loads(job.args)["monitor"]].append(job.created_at)
    gaps = [after - before for each in made.values() for before, after in pairwise(sorted(each))]
    assert len(made) == 969  # with the one that hangs, of which there is no row
    assert min(gaps) >= WINDOW * 0.9  # a key is held from when the cycle began to store it
    routes = [json.loads(job.route or "{}") for job in jobs]
    assert {each["asked"] for each in routes if "asked" in each} == {"us", "eu", "ap"}
    assert [each for each in routes if each.get("asked") == "us" and each.get("region") == "eu"]


def test_a_step_that_is_not_seen_in_time_ends_it_with_failure(tmp_path: Path) -> None:
    code, out, _ = run(f"sqlite:///{tmp_path / 'jobs.db'}", "regions", MONITORS_SECONDS="1")

    assert code == 1, out
    assert re.search(r"^  A4 +MISSING +a worker process in each of three regions", out, re.M), out


@pytest.mark.parametrize("monitors", [1_000])
def test_a_cycle_over_all_that_is_due_leaves_none_and_is_within_its_budget(
    database_url: str, monitors: int
) -> None:
    options = ("--monitors", str(monitors), "--rounds", "2")

    code, out, errors = run(database_url, "load", *options)

    assert (code, errors) == (0, ""), out
    rounds = re.findall(r"969 due: 968 jobs in .+ (\d+) cycle\(s\), the longest ([\d.]+) s", out)
    assert [(cycles, float(seconds) < 45) for cycles, seconds in rounds] == [("1", True)] * 2, out


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """A folder as the README says that it is to be."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for each in ("api", "vercel.json"):
        (tmp_path / each).symlink_to(tmp_path / "examples/monitors/regions" / each)
    return tmp_path


def test_the_function_answers_the_cron_that_its_host_is_told_of(
    database_url: str, deployed: Path
) -> None:
    host = json.loads((deployed / "vercel.json").read_text())
    [function], [job] = host["functions"], host["crons"]
    port = free_port()
    settings = {"CRON_SECRET": SECRET, "ONBEAT_QUEUES": "dispatch", "PYTHONPATH": f"{ROOT / 'src'}"}
    module = function.removesuffix(".py").replace("/", ".")
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", f"{module}:app", "--port", str(port)], cwd=deployed,
        env=surroundings(ONBEAT_DB=database_url, **settings), stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_there(f"{address}/livez"), 60)
        headers = {"Authorization": f"Bearer {SECRET}"}
        answer = httpx.get(address + job["path"], headers=headers, timeout=60)
    finally:
        process.kill()
        process.wait()

    assert (answer.status_code, answer.json()["status"]) == (200, "complete")
    assert job["schedule"] == "*/1 * * * *"


def is_there(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.HTTPError:
        return False
