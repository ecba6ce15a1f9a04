"""`decide`: what becomes of a job, for everything that can happen in an attempt."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.attempts import Attempt, Failure
from onbeat.domain.error_classes import ErrorClass
from onbeat.domain.jobs import JobId
from onbeat.domain.outcomes import (
    APART,
    MAX_LOSSES,
    Ack,
    Cancelled,
    Failed,
    Interrupted,
    Lost,
    Outcome,
    Snoozed,
    Succeeded,
    TimedOut,
    decide,
)
from onbeat.domain.retries import Retry
from onbeat.domain.states import MOVES, Place

POLICY = Retry(3, base="10s", jitter="none", backoff="fixed")
BEGAN = datetime(2030, 6, 15, tzinfo=UTC)
FAILURE = Failure(type="ValueError", message="no")


class Busy(Exception):
    retry_after = 60


def judged(
    outcome: Outcome,
    attempt: int = 1,
    max_attempts: int = 3,
    retry: Retry = POLICY,
    randomness: random.Random | None = None,
) -> Ack:
    return decide(
        outcome,
        token=7,
        attempt=attempt,
        max_attempts=max_attempts,
        retry=retry,
        randomness=randomness or random.Random(0),
    )


def failed(error: BaseException) -> Failed:
    return Failed(error, FAILURE)


def test_success_completes_the_job_with_its_result() -> None:
    assert judged(Succeeded('"ok"'), attempt=2) == Ack(
        token=7, move="complete", outcome="succeeded", spent=2, result='"ok"'
    )


def test_a_failure_is_retried_after_the_policys_delay() -> None:
    ack = judged(failed(ValueError("no")))

    assert (ack.move, ack.outcome, ack.spent) == ("retry", "failed", 1)
    assert (ack.delay, ack.reason) == (timedelta(seconds=10), "ValueError: no")
    assert ack.failure == replace(FAILURE, error_class=ErrorClass.TRANSIENT)


@pytest.mark.parametrize(
    ("attempt", "move"), [(1, "retry"), (2, "retry"), (3, "bury"), (9, "bury")]
)
def test_the_last_attempt_buries_the_job(attempt: int, move: str) -> None:
    assert judged(failed(ValueError()), attempt=attempt).move == move


def test_how_often_a_job_is_tried_is_its_own_and_not_the_policys() -> None:
    assert judged(failed(ValueError()), attempt=3, max_attempts=5).move == "retry"


def test_the_policy_of_a_class_of_errors_says_how_often_itself() -> None:
    retry = Retry(3, by={OSError: Retry(10, base="1s", jitter="none", backoff="fixed")})

    ack = judged(failed(ConnectionRefusedError()), attempt=8, retry=retry)

    assert (ack.move, ack.delay) == ("retry", timedelta(seconds=1))


@pytest.mark.parametrize("retry", [Retry(never=(ValueError,)), Retry(on=(OSError,))])
def test_an_error_that_is_not_to_be_retried_buries_the_job_at_once(retry: Retry) -> None:
    assert judged(failed(ValueError()), retry=retry).move == "bury"


def test_never_holds_for_errors_with_a_policy_of_their_own_too() -> None:
    retry = Retry(never=(ValueError,), by={ValueError: Retry(10)})

    assert judged(failed(ValueError()), retry=retry).move == "bury"


def test_an_error_that_asks_to_wait_longer_is_waited_for() -> None:
    assert judged(failed(Busy())).delay == timedelta(seconds=60)


def test_an_error_that_asks_to_wait_less_waits_the_policys_delay() -> None:
    retry = Retry(base="5m", jitter="none", backoff="fixed")

    assert judged(failed(Busy()), retry=retry).delay == timedelta(minutes=5)


def test_a_long_message_is_cut_in_the_reason_and_kept_in_the_failure() -> None:
    failure = Failure(type="E", message="x" * 10_000)

    ack = judged(Failed(ValueError(), failure))

    assert ack.reason is not None
    assert len(ack.reason) == 500
    assert ack.failure is not None
    assert ack.failure.message == failure.message


def test_a_snooze_does_not_count_the_attempt() -> None:
    ack = judged(Snoozed(timedelta(hours=1), "not yet"), attempt=2)

    assert (ack.move, ack.spent, ack.delay, ack.reason) == (
        "snooze", 1, timedelta(hours=1), "not yet",
    )  # fmt: skip


def test_a_job_that_stopped_is_cancelled_for_its_reason() -> None:
    ack = judged(Cancelled("by ann"))

    assert (ack.move, ack.outcome, ack.spent, ack.reason) == ("stop", "cancelled", 1, "by ann")


def test_an_interrupted_job_goes_back_and_its_attempt_does_not_count() -> None:
    ack = judged(Interrupted(), attempt=3)

    assert (ack.move, ack.outcome, ack.spent) == ("release", "interrupted", 2)


def test_a_timeout_is_retried_as_a_failure_of_its_own_name() -> None:
    ack = judged(TimedOut(timedelta(seconds=90)))

    assert (ack.move, ack.outcome) == ("retry", "timed out")
    assert ack.reason == "TimeoutError: ran past its timeout of 90 s"


def test_a_thread_that_could_not_be_ended_is_said_so() -> None:
    ack = judged(TimedOut(timedelta(seconds=1), abandoned=True))

    assert ack.reason is not None
    assert "abandoned" in ack.reason


@pytest.mark.parametrize(
    ("losses", "move", "spent"), [(1, "release", 1), (2, "snooze", 1), (MAX_LOSSES, "bury", 2)]
)
def test_a_lost_job_goes_back_until_it_has_lost_three_workers(
    losses: int, move: str, spent: int
) -> None:
    ack = judged(Lost(losses), attempt=2)

    assert (ack.move, ack.outcome, ack.spent) == (move, "lost", spent)


@pytest.mark.parametrize("losses", [1, 2, MAX_LOSSES])
def test_a_job_lost_before_it_began_goes_back_at_once(losses: int) -> None:
    ack = judged(Lost(losses, counts=False), attempt=2)

    assert (ack.move, ack.outcome, ack.spent, ack.losses) == ("release", "lost", 1, losses)


@given(st.integers(0))
def test_jobs_that_were_lost_together_twice_are_not_claimed_together_again(seed: int) -> None:
    source = random.Random(seed)
    acks = [judged(Lost(2), randomness=source) for _ in range(20)]

    delays = sorted(ack.delay or timedelta() for ack in acks)

    assert timedelta() <= delays[0] < delays[-1] <= APART
    assert delays[-1] - delays[0] > APART / 10


def test_a_lost_job_that_was_asked_to_stop_stops() -> None:
    ack = judged(Lost(MAX_LOSSES, "by ann"))

    assert (ack.move, ack.reason) == ("stop", "by ann")


outcomes: st.SearchStrategy[Any] = st.one_of(
    st.builds(Succeeded, st.none() | st.just("1")),
    st.builds(failed, st.sampled_from([ValueError(), OSError(), Busy()])),
    st.builds(Snoozed, st.timedeltas(timedelta(), timedelta(days=9))),
    st.builds(Cancelled, st.text()),
    st.builds(Interrupted),
    st.builds(TimedOut, st.timedeltas(timedelta(), timedelta(days=9)), st.booleans()),
    st.builds(Lost, st.integers(1, 5), st.none() | st.text(), st.booleans()),
)


@given(outcomes, st.integers(1, 20), st.integers(1, 20))
def test_every_outcome_has_a_consequence_that_ends_its_lease(
    outcome: Outcome, attempt: int, max_attempts: int
) -> None:
    ack = judged(outcome, attempt, max_attempts)

    assert ack.token == 7
    assert Place.LEASES in MOVES[ack.move].leaves
    assert attempt - 1 <= ack.spent <= attempt
    assert (ack.delay is not None) == (MOVES[ack.move].enters is Place.DELAYED)


@pytest.mark.parametrize(
    "outcome",
    [
        Succeeded(),
        failed(ValueError("no")),
        TimedOut(timedelta(seconds=1)),
        Snoozed(timedelta(seconds=1)),
        Cancelled("enough"),
        Interrupted(),
        Lost(1),
        Lost(2),
        Lost(0, counts=False),
    ],
    ids=str,
)
def test_an_attempt_is_said_to_count_just_when_it_is_spent(outcome: Outcome) -> None:
    ack = judged(outcome, attempt=2)
    ended = Attempt(
        job=JobId("0" * 32), attempt=2, token=7, session="s", outcome=ack.outcome,
        started_at=BEGAN, finished_at=BEGAN,
    )  # fmt: skip

    assert ended.counts == (ack.spent == 2)
