"""The example `examples/user_jobs`, run as its users run it, and held against the record."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from examples.user_jobs.app import JOBS

from onbeat import JobFilter, Onbeat, State
from onbeat.domain.webhooks import Delivery
from tests.e2e.starting import BIN, ROOT, start

README = ROOT / "examples/user_jobs/README.md"
PATIENCE = 60
ENDED = re.compile(r"^\S+ +(schedQueue|jobQueue|webhooks|receiver) .+ ([0-9a-f]{32})$", re.M)

Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begins the example on a database; what is left of it at the end is ended."""
    begun: list[subprocess.Popen[str]] = []

    def begin_one(url: str, **settings: str) -> subprocess.Popen[str]:
        begun.append(start("examples.user_jobs", settings={"ONBEAT_DB": url, **settings}))
        return begun[-1]

    yield begin_one
    for each in begun:
        each.kill()
        each.communicate()


async def deliveries_of(ob: Onbeat, owner: str) -> list[Delivery]:
    return [
        delivery
        for webhook in await ob.webhooks.list(owner)
        for delivery in await ob.webhooks.deliveries(webhook.id)
    ]


async def test_each_step_is_seen_and_what_was_told_of_jobs_is_what_the_record_says(
    database_url: str, begin: Begin
) -> None:
    out, errors = (ran := begin(database_url, USER_JOBS_SECONDS="40")).communicate(timeout=PATIENCE)

    assert (ran.returncode, errors) == (0, ""), out
    assert " 0 missing" in out
    assert {f"B{row}" for row in range(1, 7)} == set(re.findall(r"^  (B\d) +seen ", out, re.M))
    told: dict[str, list[str]] = defaultdict(list)
    for where, job in ENDED.findall(out):
        told[where].append(job)
    async with Onbeat(database_url) as ob:
        jobs = await ob.jobs.list(JobFilter(owner="amy", queue=JOBS))
        sent = await deliveries_of(ob, "amy")
    removed = set(told[JOBS]) - {str(job.id) for job in jobs}
    assert {job.state for job in jobs} == {State.COMPLETED}
    assert {str(job.id) for job in jobs} <= set(told[JOBS])
    assert len(removed) == 1  # the first of three reminders: the last two are kept
    assert sorted(told["receiver"]) == sorted(told[JOBS])
    assert Counter(str(each.job) for each in sent) == Counter(told["webhooks"])
    assert [each.status for each in sent] == [204] * len(told["schedQueue"])


def test_a_step_that_is_not_seen_in_time_ends_it_with_failure(tmp_path: Path, begin: Begin) -> None:
    ran = begin(
        f"sqlite:///{tmp_path / 'jobs.db'}", USER_JOBS_SECONDS="8",
        ONBEAT_QUEUES="schedQueue,jobQueue",
    )  # fmt: skip
    out, _ = ran.communicate(timeout=PATIENCE)

    assert ran.returncode == 1, out
    assert re.search(r"^  B6 +MISSING +each job's end was heard once", out, re.M), out
    assert re.search(r"^  B3 +seen +bob asks for amy's schedule: 404", out, re.M), out


def test_the_requests_of_its_document_are_answered_as_it_says(
    database_url: str, begin: Begin, tmp_path: Path
) -> None:
    process = begin(database_url)
    exports, script = exported(process), README.read_text().split("```bash\n")[1].split("```")[0]

    ran = subprocess.run(
        ["/bin/bash", "-c", f"set -euo pipefail\n{script}"], cwd=tmp_path,
        env={**exports, "PATH": f"{BIN}:{os.environ['PATH']}"}, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)

    assert (ran.returncode, process.returncode, errors) == (0, 0, ""), ran.stderr + out
    answers = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    made, later, listed, shown, own, others, unknown, wrong, hook, sent, queues, gone = answers
    assert shown["data"] == {"text": "tea", "userId": "amy"}
    assert {made["schedulerId"], later["schedulerId"]} <= ids_of(listed)
    assert own["name"] == "amy:mine"
    assert [each["status"] for each in (others, unknown, wrong)] == [404, 401, 400]
    assert hook["secret"].startswith("whsec_")
    assert {each["state"] for each in sent["data"]} == {"completed"}
    assert {each["name"] for each in queues["data"]} >= {"schedQueue", JOBS, "webhooks"}
    assert '"what":"ended"' in ran.stdout.replace(" ", "")
    assert made["schedulerId"] in gone["message"]


def exported(process: subprocess.Popen[str]) -> dict[str, str]:
    """What it tells to export, once it goes on until it is ended."""
    assert process.stdout is not None
    found: dict[str, str] = {}
    for line in process.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            found[name] = value
        if line.startswith("Goes on"):
            break
    return found


def ids_of(listed: dict[str, Any]) -> set[str]:
    return {each["schedulerId"] for each in listed["scheduledJobs"]}
