"""The example `examples/monitors`, run as its users run it, and held against the database."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from examples.monitors.generate import FILE, write
from examples.monitors.rows import PRIORITIES, read_monitors

from onbeat import Job, JobFilter, Onbeat, Schedule

ROOT = Path(__file__).parents[2]
MONITORS = 200
PATIENCE = 60


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, on either engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'demo.db'}"
    return str(request.getfixturevalue("postgres_url"))


def begin(url: str, *options: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "examples.monitors", *options],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DEMO_SECONDS"}
        | {"ONBEAT_DB": url, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(url: str, *options: str | Path) -> tuple[int, str, str]:
    process = begin(url, *options)
    out, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, out, errors


def numbers(out: str, label: str) -> list[int]:
    """The whole numbers of one line of the summary."""
    found = re.search(rf"^  {label} +(.+)$", out, re.MULTILINE)
    assert found, out
    return [int(digits.replace(",", "")) for digits in re.findall(r"\d[\d,]*", found[1])]


async def all_jobs(ob: Onbeat) -> list[Job]:
    page = await ob.jobs.page(JobFilter(task="check", limit=1_000))
    jobs = list(page.jobs)
    while page.after is not None:
        page = await ob.jobs.page(JobFilter(task="check", limit=1_000, after=page.after))
        jobs += page.jobs
    return jobs


async def all_schedules(ob: Onbeat) -> dict[str, Schedule]:
    page = await ob.schedules.list(limit=1_000)
    return {schedule.name: schedule for schedule in page if schedule.name.startswith("monitor:")}


async def test_every_moment_is_accounted_for_and_the_summary_says_what_the_record_says(
    empty_url: str,
) -> None:
    code, out, errors = run(empty_url, "--monitors", str(MONITORS), "--seconds", "8")

    assert (code, errors) == (0, ""), out
    waited, fired, done, waiting, lost = numbers(out, "accounted for")
    async with Onbeat(empty_url) as ob:
        schedules, jobs = await all_schedules(ob), await all_jobs(ob)
        asked = [
            job
            for name in schedules
            for _, job in await ob.schedules.occurrences(name, limit=1_000)
            if job is not None
        ]
    assert sorted(asked) == sorted(job.id for job in jobs)
    assert len({(job.schedule, job.occurrence_at) for job in jobs}) == len(jobs)
    ended = Counter(job.state.is_final for job in jobs)
    assert (len(jobs), ended[True], ended[False]) == (fired, done, waiting)
    assert sum(schedule.made for schedule in schedules.values()) == fired
    assert (waited, lost) == (0, 0)
    assert done > MONITORS / 4


async def test_checks_have_the_priority_of_their_monitors_criticality(empty_url: str) -> None:
    code, out, _ = run(empty_url, "--monitors", str(MONITORS), "--seconds", "3")

    assert code == 0, out
    active = {f"monitor:{each.name}": each for each in read_monitors(FILE, MONITORS).active}
    async with Onbeat(empty_url) as ob:
        schedules, jobs = await all_schedules(ob), await all_jobs(ob)
    assert schedules.keys() == active.keys()
    given = {name: schedule.priority for name, schedule in schedules.items()}
    assert given == {name: PRIORITIES[each.criticality] for name, each in active.items()}
    assert set(given.values()) == {2, 5, 8, 10}
    assert jobs
    assert [job for job in jobs if job.priority != given[str(job.schedule)]] == []


async def test_a_second_run_brings_the_schedules_to_what_the_file_says_now(
    empty_url: str, tmp_path: Path
) -> None:
    rows = [
        [f"page-{number}", f"/fast/{number}", "2s", "eu", "normal", "yes"] for number in range(6)
    ]
    first = csv_file(tmp_path / "first.csv", rows)
    assert run(empty_url, "--csv", first, "--seconds", "3")[0] == 0
    rows[1][2], rows[2][4], rows[3][5], rows[4][2] = "1m", "critical", "no", "0s"
    second = csv_file(tmp_path / "second.csv", [*rows[:5], ["page-6", *rows[0][1:]]])

    code, out, errors = run(empty_url, "--csv", second, "--seconds", "3")

    assert (code, errors) == (0, ""), out
    assert "Schedules: 1 added, 2 changed, 2 removed, 2 as before" in out
    async with Onbeat(empty_url) as ob:
        schedules = await all_schedules(ob)
    assert set(schedules) == {f"monitor:page-{number}" for number in (0, 1, 2, 4, 6)}
    assert schedules["monitor:page-1"].recurrence.spec()["every"] == "1m"
    assert schedules["monitor:page-2"].priority == 10
    assert numbers(out, "accounted for")[4] == 0


def test_a_second_run_with_the_same_file_changes_nothing(empty_url: str) -> None:
    options = ("--monitors", "30", "--seconds", "1")
    first, _, _ = run(empty_url, *options)

    second, out, _ = run(empty_url, *options)

    assert (first, second) == (0, 0)
    active = len(read_monitors(FILE, 30).active)
    assert f"Schedules: 0 added, 0 changed, 0 removed, {active} as before" in out


def test_ctrl_c_ends_it_with_the_account_and_without_an_error(empty_url: str) -> None:
    process = begin(empty_url, "--monitors", str(MONITORS))
    assert process.stdout is not None
    for line in process.stdout:
        if "checks/s" in line:
            break
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)

    assert (process.returncode, errors) == (0, "")
    assert numbers(out, "accounted for")[4] == 0


async def test_who_signs_in_as_the_demo_says_finds_it_at_work(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    process = begin(url, "--monitors", str(MONITORS))
    assert process.stdout is not None
    told = next(line for line in process.stdout if line.startswith("Dashboard"))
    found = re.search(r"(http://127\.0\.0\.1:\d+) +sign in as (\w+), password (\S+)", told)
    assert found, told
    address, name, password = found.groups()
    for line in process.stdout:
        if "checks/s" in line:
            break
    async with httpx.AsyncClient(base_url=address) as client:
        body = {"name": name, "password": password}
        refused = await client.post("/api/v1/auth/login", json=body | {"password": "another"})
        entered = await client.post("/api/v1/auth/login", json=body)
        # A browser keeps it on loopback though it is not https; this client would not.
        cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
        jobs = await client.get("/api/v1/jobs?queue=checks&limit=5", headers=cookie)
    async with Onbeat(url) as ob:
        for each in ("report", "look_around"):
            await (await ob.schedules.trigger(each)).result(timeout="30s")
        begun = await ob.workflows.list()
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)

    assert {each.name for each in begun} == {"regional-report"}
    assert (refused.status_code, entered.status_code) == (401, 200)
    assert len(jobs.json()["data"]) == 5
    assert (process.returncode, errors) == (0, ""), out


async def test_a_page_that_asks_to_wait_is_not_asked_again_sooner_and_one_that_is_gone_never(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    pages = {"gone": "/gone/4", "busy": "/failing/2"}
    rows = [[name, page, "3s", "eu", "high", "yes"] for name, page in pages.items()]

    code, out, _ = run(url, "--csv", csv_file(tmp_path / "two.csv", rows), "--seconds", "8")

    assert code == 0, out
    async with Onbeat(url) as ob:
        attempts = [
            (json.loads(job.args)["monitor"], await ob.jobs.attempts(job.id))
            for job in await all_jobs(ob)
        ]
    waits = [
        (after.started_at - before.finished_at).total_seconds()
        for monitor, each in attempts
        if monitor == "busy"
        for before, after in pairwise(each)
    ]
    assert waits, out
    assert min(waits) >= 2
    assert {len(each) for monitor, each in attempts if monitor == "gone"} == {1}


def test_bad_rows_are_named_by_line_and_the_good_ones_are_all_taken() -> None:
    reading = read_monitors(FILE)

    assert len(reading.monitors) == 1_000
    assert 0.02 <= 1 - len(reading.active) / 1_000 <= 0.05
    lines = FILE.read_text().splitlines()
    told = {problem.line: problem.reason.partition(":")[0] for problem in reading.problems}
    assert list(told.values()) == ["url", "interval", "criticality", "name", "interval"]
    assert all(lines[problem.line - 1].startswith(problem.name) for problem in reading.problems)


def test_a_header_without_a_column_is_one_clear_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text("name,address,interval,region\npage,/fast/1,5s,eu\n")

    code, out, errors = run(f"sqlite:///{tmp_path / 'demo.db'}", "--csv", broken)

    assert (code, out) == (2, "")
    assert errors == (
        f"{broken}: its header has no url, criticality, active; the first line must name "
        "name, url, interval, region, criticality, active\n"
    )


def test_the_file_is_what_its_generator_writes() -> None:
    written = io.StringIO()
    write(written)

    assert FILE.read_text() == written.getvalue()


def csv_file(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "url", "interval", "region", "criticality", "active"])
        writer.writerows(rows)
    return path
