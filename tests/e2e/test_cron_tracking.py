"""The example `examples/cron_tracking`, run as its users run it, and held against the record."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest
from examples.cron_tracking.before.minutes import fits, read
from examples.cron_tracking.shop import Shop

from onbeat import JobFilter, Onbeat, State
from tests.e2e.starting import ROOT, start

PATIENCE = 450
JOBS = {"export_orders": "cron", "rotate_logs": "cron", "send_digest": "apscheduler",
        "sync_stock": "loop"}  # fmt: skip
"""Whose each was."""

pytestmark = pytest.mark.timeout(PATIENCE + 30)

Begin = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Begins the example on a database; what is left of it at the end is ended, with its jobs."""
    begun: list[subprocess.Popen[str]] = []

    def begin_one(url: str, **settings: str) -> subprocess.Popen[str]:
        own = {"ONBEAT_DB": url, "SHOP": str(tmp_path / "shop")}
        begun.append(start("examples.cron_tracking", settings={**own, **settings}))
        return begun[-1]

    yield begin_one
    for each in begun:
        each.terminate()
        each.communicate(timeout=60)


def ledger(shop: Path) -> list[tuple[str, str]]:
    """Each run of the work, and at whose bidding."""
    rows = [line.split() for line in (shop / "ledger").read_text().splitlines()]
    return [(job, by) for job, by, _ in rows]


async def test_each_step_is_seen_and_the_work_that_was_done_is_what_the_record_says(
    database_url: str, begin: Begin, tmp_path: Path
) -> None:
    ran = begin(database_url, CRON_TRACKING_SECONDS="400")
    out, errors = ran.communicate(timeout=PATIENCE)

    assert (ran.returncode, errors) == (0, ""), out + errors
    assert " 0 missing" in out
    assert {f"D{row}" for row in range(1, 15)} == set(re.findall(r"^  (D\d+) +seen ", out, re.M))
    done = ledger(tmp_path / "shop")
    for job, old in JOBS.items():
        hands = [by for by, _ in groupby(by for name, by in done if name == job)]
        assert hands == [old, "onbeat", old], job
    async with Onbeat(database_url) as ob:
        wanted = JobFilter(task="send_digest", state=State.COMPLETED, limit=500)
        recorded = [json.loads(each.args) for each in await ob.jobs.list(wanted)]
    by_onbeat = Counter(done)["send_digest", "onbeat"]
    assert sum(not args.get("dry_run") for args in recorded) == by_onbeat > 0
    assert any(args.get("dry_run") for args in recorded)


def test_a_step_that_is_not_seen_in_time_ends_it_with_failure(tmp_path: Path, begin: Begin) -> None:
    ran = begin(f"sqlite:///{tmp_path / 'jobs.db'}", CRON_TRACKING_SECONDS="1")
    out, _ = ran.communicate(timeout=PATIENCE)

    assert ran.returncode == 1, out
    assert re.search(r"^  D5 +MISSING +three failures in a row: in-a-row", out, re.M), out


async def test_a_database_with_jobs_in_it_is_refused_in_one_line(
    tmp_path: Path, begin: Begin
) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    async with Onbeat(url, name="other") as ob:

        @ob.task
        def close_books() -> None: ...

        await close_books.enqueue()

    ran = begin(url)
    out, errors = ran.communicate(timeout=PATIENCE)

    assert (ran.returncode, out) == (2, "")
    assert errors == "ONBEAT_DB: there are jobs in it; give a database without any\n"


def test_a_folder_of_others_is_refused_in_one_line_and_keeps_all(
    tmp_path: Path, begin: Begin
) -> None:
    orders = tmp_path / "shop/orders.csv"
    orders.parent.mkdir()
    orders.write_text("42")

    out, errors = begin(f"sqlite:///{tmp_path / 'jobs.db'}").communicate(timeout=PATIENCE)

    told = "was not made by this demo; give a folder that does not exist, or unset it"
    assert (out, errors) == ("", f"SHOP: {orders.parent} {told}\n")
    assert orders.read_text() == "42"


def test_a_folder_that_was_made_by_it_is_made_anew_and_an_empty_one_is_taken(
    tmp_path: Path,
) -> None:
    Shop.opened(tmp_path)
    (tmp_path / "cron.log").touch()

    made = Shop.opened(tmp_path)

    assert not (tmp_path / "cron.log").exists()
    assert made.crontab.is_file()


def test_the_stand_in_for_cron_reads_the_crontab_that_is_imported() -> None:
    text = (ROOT / "examples/cron_tracking/before/crontab").read_text()

    variables, lines = read(text)

    assert variables == {"SHELL": "/bin/sh", "SHOP": "/srv/shop"}
    assert lines == [
        ("*/2", "*", "$SHOP/bin/export_orders"),
        ("*/3", "*", "$SHOP/bin/rotate_logs"),
        ("15", "3", "$SHOP/bin/backup nightly"),
    ]


@pytest.mark.parametrize(
    ("field", "moments"), [("*", [0, 1, 2, 3, 4]), ("*/2", [0, 2, 4]), ("3", [3])]
)
def test_the_stand_in_knows_three_kinds_of_field(field: str, moments: list[int]) -> None:
    assert [moment for moment in range(5) if fits(field, moment)] == moments
