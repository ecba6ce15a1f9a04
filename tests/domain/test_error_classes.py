"""The class of an error: what was raised says it, then the policy, then the error itself."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onbeat.domain.attempts import Failure
from onbeat.domain.error_classes import (
    ErrorClass,
    ErrorName,
    Permanent,
    RateLimited,
    Transient,
    error_class,
    retry_after,
)
from onbeat.domain.outcomes import Ack, Failed, decide
from onbeat.domain.retries import Retry


class Busy(Exception):
    """Another library's way to say when to come back."""

    retry_after = 7


class CardDeclined(Permanent):
    """A user's own class under one of ours."""


@pytest.mark.parametrize(
    ("error", "policy", "expected"),
    [
        (ValueError(), Retry(), "transient"),
        (Busy(), Retry(), "rate limited"),
        (Transient(), Retry(), "transient"),
        (Permanent(), Retry(), "permanent"),
        (CardDeclined(), Retry(), "permanent"),
        (RateLimited(), Retry(), "rate limited"),
        (KeyError(), Retry(rules={LookupError: "permanent"}), "permanent"),
        (KeyError(), Retry(rules={ErrorName("KeyError"): "rate limited"}), "rate limited"),
        (Busy(), Retry(rules={Busy: "transient"}), "transient"),
        (KeyError(), Retry(rules={KeyError: "transient"}, never=(KeyError,)), "transient"),
        (KeyError(), Retry(rules={KeyError: "transient", Exception: "permanent"}), "transient"),
        (OSError(), Retry(rules={KeyError: "transient", Exception: "permanent"}), "permanent"),
        (KeyError(), Retry(by={KeyError: Retry(rules={KeyError: "permanent"})}), "permanent"),
        (Transient(), Retry(never=(Exception,)), "transient"),
        (Permanent(), Retry(rules={Exception: "transient"}), "permanent"),
    ],
)
def test_the_most_particular_word_on_an_error_decides_its_class(
    error: Exception, policy: Retry, expected: str
) -> None:
    assert error_class(error, policy) is ErrorClass(expected)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (30, 30), (0.5, 0.5), ("30", 30), (" 30 ", 30), ("2m", 120), (timedelta(hours=1), 3600),
        (-1, 0), ("9" * 30, 31_536_000),
        (None, None), ("soon", None), ("", None), (float("nan"), None), ("nan", None),
        ("-5", 0), ("1e400", 31_536_000), ("Thu, 99 Foo 2026", None),
    ],
)  # fmt: skip
def test_a_rate_limited_error_waits_as_the_header_says(asked: Any, seconds: float | None) -> None:
    wait = retry_after(RateLimited("slow down", retry_after=asked))

    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def judged(error: Exception, attempt: int = 1) -> Ack:
    failure = Failure(type=type(error).__name__, message=str(error))
    return decide(
        Failed(error, failure), token=1, attempt=attempt, max_attempts=3,
        retry=Retry(3, base="1s", jitter="none"), randomness=random.Random(0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("error", "attempt", "move", "delay"),
    [
        (Transient("t"), 1, "retry", timedelta(seconds=1)),
        (Transient("t"), 3, "bury", None),
        (Permanent("p"), 1, "bury", None),
        (RateLimited("r", retry_after=60), 1, "retry", timedelta(seconds=60)),
        (RateLimited("r"), 1, "retry", timedelta(seconds=1)),
        (RateLimited("r", retry_after=60), 3, "bury", None),
    ],
)
def test_each_class_has_its_rule(
    error: Exception, attempt: int, move: str, delay: timedelta | None
) -> None:
    ack = judged(error, attempt)

    assert (ack.move, ack.delay) == (move, delay)


def test_what_is_kept_of_a_failure_names_its_class() -> None:
    kept = [judged(error).failure for error in (Transient(), Permanent(), RateLimited())]

    assert [each and each.error_class for each in kept] == [*ErrorClass]


NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wednesday, 21-Oct-26 07:28:30 GMT", 30),
        ("Wed Oct 21 07:28:30 2026", 30),
        (" Wed, 21 Oct 2026 09:28:30 +0200 ", 30),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),
        ("Fri, 21 Oct 2089 07:27:00 GMT", 31_536_000),
        (NOW + timedelta(minutes=5), 300),
    ],
)
def test_a_date_is_waited_for_from_when_it_failed(asked: Any, seconds: float) -> None:
    failure = Failure(type="RateLimited", message="")

    class Refused(Exception):
        retry_after = asked

    for error in (RateLimited(retry_after=asked), Refused()):
        ack = decide(
            Failed(error, failure, NOW), token=1, attempt=1, max_attempts=3,
            retry=Retry(3, base="0s", jitter="none"), randomness=random.Random(0),
        )  # fmt: skip
        assert (ack.delay, ack.failure and ack.failure.error_class) == (
            timedelta(seconds=seconds), ErrorClass.RATE_LIMITED,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("30", "slow down"),
        ("2m", "slow down"),
        ("Wed, 21 Oct 2026 07:28:30 GMT", "slow down"),
        ("soon", "slow down (retry_after 'soon' cannot be read: the policy's own delay holds)"),
        (-5, "slow down (retry_after -5 is taken as 0s)"),
        ("9" * 20, f"slow down (retry_after '{'9' * 20}' is taken as 3.1536e+07s)"),
    ],
)
def test_a_wait_that_is_not_taken_as_it_is_given_is_told(asked: Any, told: str) -> None:
    assert str(RateLimited("slow down", retry_after=asked)) == told
