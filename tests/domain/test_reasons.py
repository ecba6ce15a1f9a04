"""What is said of a job that does not run, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from onbeat.domain.jobs import Job, JobId
from onbeat.domain.limits import Bounds, SlotState
from onbeat.domain.queues import Queue
from onbeat.domain.reasons import Surroundings, reasons_of_job
from onbeat.domain.regions import Route, describe
from onbeat.domain.states import State
from tests import factories

NOW = datetime(2030, 6, 15, 12, tzinfo=UTC)


def pending(route: bytes | None = None) -> Job:
    """A pending job that was sent so."""
    return Job(
        id=JobId("0" * 32), task="send", queue="mail", priority=5, state=State.PENDING, args="{}",
        attempt=0, max_attempts=3, created_at=NOW, route=None if route is None else route.decode(),
    )  # fmt: skip


def told_of_pending(around: Surroundings) -> str:
    """The first thing that holds a pending job among those surroundings."""
    return reasons_of_job(pending(), around)[0].what


def among(count: int, **fields: Any) -> Surroundings:
    """So many workers on the queue, each alike."""
    one = factories.session(queues=("mail",), **fields)
    return Surroundings(queue=Queue(name="mail"), sessions=[one] * count, now=NOW)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "the 1 worker on its queue mail is shutting down"),
        (2, "the 2 workers on its queue mail are shutting down"),
    ],
)
def test_one_worker_is_shutting_down_and_several_are(count: int, told: str) -> None:
    assert told_of_pending(among(count, draining=True)) == told


@pytest.mark.parametrize(
    ("slots", "told"),
    [
        (1, "the 1 slot of the 1 worker on queue mail is taken"),
        (2, "all 2 slots of the 1 worker on queue mail are taken"),
    ],
)
def test_one_slot_is_taken_and_several_are(slots: int, told: str) -> None:
    assert told_of_pending(among(1, slots=slots, running=slots)) == told


@pytest.mark.parametrize(
    ("holders", "told"), [(("a",), "1 of 1 runs: a"), (("a", "b"), "2 of 2 run: a, b")]
)
def test_one_job_runs_and_several_run(holders: tuple[str, ...], told: str) -> None:
    full = SlotState(
        name="calls:", bounds=Bounds(concurrency=len(holders)), used=len(holders), waiting=1,
        open_at=NOW, holders=holders,
    )  # fmt: skip
    around = replace(among(1), slots=[full])

    assert told_of_pending(around) == f"limit calls is full: {told}"


@pytest.mark.parametrize(("holders", "told"), [(("a",), "a is trying"), (("a", "b"), "a, b are")])
def test_one_job_is_trying_and_several_are(holders: tuple[str, ...], told: str) -> None:
    trying = SlotState(
        name="breaker/bank:", bounds=Bounds(concurrency=len(holders)), used=len(holders),
        waiting=1, open_at=NOW, holders=holders,
    )  # fmt: skip
    around = replace(among(1), slots=[trying])

    assert told in told_of_pending(around)


def test_a_job_that_was_sent_elsewhere_says_why_after_what_holds_it() -> None:
    route = describe("us", Route("mail", "eu", "us: its queue is paused"))

    _, told = reasons_of_job(pending(route), among(1, slots=1, running=1))

    assert told.code == "sent-elsewhere"
    assert told.what == "it was wanted in us, sent to eu (us: its queue is paused)"
    assert told.remedy == "onbeat regions ls"


def test_a_job_that_was_wanted_nowhere_and_moved_says_from_where() -> None:
    moved = (
        b'{"region":"eu","why":"no worker in us","moved_from":"mail-us",'
        b'"moved_at":"2030-06-15T11:00:00+00:00"}'
    )

    _, told = reasons_of_job(pending(moved), among(1, slots=1, running=1))

    assert told.what == (
        "it was sent to eu (no worker in us); moved from mail-us at 2030-06-15 11:00:00 UTC"
    )


@pytest.mark.parametrize("asked", ["us", None])
def test_a_job_that_is_where_it_was_wanted_says_nothing_of_it(asked: str | None) -> None:
    route = describe(asked, Route("mail", "us", None if asked else "round-robin"))

    assert len(reasons_of_job(pending(route), among(1, slots=1, running=1))) == 1
