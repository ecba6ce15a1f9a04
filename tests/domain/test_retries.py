"""Retry policies: how long each failure waits, which errors are retried, and how it is written."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.error_classes import (
    LONGEST_DELAY,
    ErrorClass,
    ErrorName,
    error_class,
    matches,
    retry_after,
)
from onbeat.domain.errors import InvalidInput
from onbeat.domain.retries import (
    Backoff,
    Jitter,
    Retry,
    retry_from_spec,
    spread,
)


class PaymentRefused(ValueError):
    """An error of the user's own."""


class Asks(Exception):
    """An error that says how long to wait."""

    def __init__(self, retry_after: Any) -> None:
        self.retry_after = retry_after


SOURCE = random.Random(0)
durations = st.timedeltas(timedelta(), LONGEST_DELAY)
NAMED = ErrorName("KeyError")
classes = st.lists(st.sampled_from([ValueError, NAMED, OSError]), max_size=2).map(tuple)
policies = st.builds(
    Retry,
    attempts=st.integers(1, 1_000),
    base=durations,
    cap=durations,
    backoff=st.sampled_from(Backoff),
    factor=st.floats(0, 100),
    power=st.floats(0, 100),
    jitter=st.sampled_from(Jitter),
    never=classes,
    on=classes,
    by=st.dictionaries(st.sampled_from([OSError, NAMED]), st.builds(Retry), max_size=2),
    rules=st.dictionaries(
        st.sampled_from([OSError, NAMED]), st.sampled_from(ErrorClass), max_size=2
    ),
)


@pytest.mark.parametrize(
    ("backoff", "seconds"),
    [
        ("fixed", [2, 2, 2, 2]),
        ("linear", [2, 4, 6, 8]),
        ("exponential", [2, 6, 18, 54]),
        ("polynomial", [2, 8, 18, 32]),
    ],
)
def test_each_backoff_grows_in_its_own_way(backoff: str, seconds: list[float]) -> None:
    policy = Retry(base="2s", backoff=backoff, factor=3, power=2, jitter="none")

    delays = [policy.delay(failures, SOURCE) for failures in range(1, 5)]

    assert [delay.total_seconds() for delay in delays] == seconds


@given(policies, st.integers(-5, 2_000))
def test_no_delay_is_negative_or_over_the_cap(policy: Retry, failures: int) -> None:
    assert isinstance(policy.cap, timedelta)

    assert timedelta() <= policy.delay(failures, SOURCE) <= policy.cap


def test_no_delay_grows_to_none_however_often_it_is_multiplied() -> None:
    policy = Retry(1_000, base="0s", factor=100.0, jitter="none")

    assert policy.delay(999, SOURCE) == timedelta()


@given(durations, st.integers())
def test_full_jitter_spreads_over_the_whole_delay(delay: timedelta, seed: int) -> None:
    assert timedelta() <= spread(delay, Jitter.FULL, random.Random(seed)) <= delay


@given(durations, st.integers())
def test_equal_jitter_spreads_over_the_upper_half(delay: timedelta, seed: int) -> None:
    instant = timedelta(microseconds=1)

    assert (
        delay / 2 - instant <= spread(delay, Jitter.EQUAL, random.Random(seed)) <= delay + instant
    )


@given(durations)
def test_no_jitter_leaves_the_delay(delay: timedelta) -> None:
    assert spread(delay, Jitter.NONE, SOURCE) == delay


@given(policies)
def test_a_policy_written_down_reads_back_as_itself(policy: Retry) -> None:
    assert retry_from_spec(policy.spec()).spec() == policy.spec()


def may_be_retried(policy: Retry, *errors: BaseException) -> list[bool]:
    return [error_class(each, policy) is not ErrorClass.PERMANENT for each in errors]


def test_an_error_that_must_never_be_retried_is_not() -> None:
    policy = Retry(never=(ValueError,))

    assert may_be_retried(policy, PaymentRefused(), KeyError()) == [False, True]


def test_where_errors_are_named_only_those_are_retried() -> None:
    policy = Retry(on=(ValueError, ErrorName("builtins.KeyError")))

    assert may_be_retried(policy, PaymentRefused(), OSError()) == [True, False]


def test_never_outranks_on() -> None:
    policy = Retry(on=(ValueError,), never=(PaymentRefused,))

    assert may_be_retried(policy, PaymentRefused()) == [False]


def test_a_class_of_errors_may_have_a_policy_of_its_own() -> None:
    patient = Retry(10)
    policy = Retry(by={OSError: patient})

    assert policy.for_error(ConnectionRefusedError()) is patient
    assert policy.for_error(ValueError()) is policy


@pytest.mark.parametrize(
    ("kind", "fits"),
    [(PaymentRefused, True), (ValueError, True), ("PaymentRefused", True), ("ValueError", True),
     (f"{__name__}.PaymentRefused", True), (KeyError, False), ("shop.PaymentRefused", False)],
)  # fmt: skip
def test_an_error_is_known_by_class_or_name_and_by_those_above_it(kind: Any, fits: bool) -> None:
    assert matches(PaymentRefused(), (kind,)) == fits


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(30, 30.0), (1.5, 1.5), (timedelta(minutes=2), 120.0), (-5, 0.0), (timedelta(-1), 0.0),
     (float("inf"), 31_536_000.0), pytest.param(10**400, 31_536_000.0, id="a long number")],
)  # fmt: skip
def test_an_error_may_ask_to_wait(asked: Any, seconds: float) -> None:
    wait = retry_after(Asks(asked))

    assert wait is not None
    assert wait.total_seconds() == seconds


@pytest.mark.parametrize("asked", ["soon", None, True, float("nan"), [30]])
def test_what_is_no_duration_is_not_waited_for(asked: Any) -> None:
    assert retry_after(Asks(asked)) is None


def test_an_ordinary_error_asks_nothing() -> None:
    assert retry_after(ValueError()) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("attempts", 0), ("attempts", 1_001), ("attempts", True), ("attempts", 2.0), ("base", "-1s"),
     ("base", "400d"), ("base", timedelta(-1)), ("cap", "soon"), ("backoff", "cubic"),
     ("jitter", "wild"), ("factor", -1), ("factor", float("nan")), ("power", 101),
     ("never", (42,)), ("on", (int,)), ("by", {42: Retry()}), ("rules", {42: "transient"}),
     ("rules", {OSError: "fatal"}), ("rules", (OSError,)), ("rules", {"OSError": "transient"}),
     ("never", ("OSError",)), ("on", "OSError"), ("by", {"OSError": Retry()})],
)  # fmt: skip
def test_a_policy_that_could_not_work_is_refused_by_the_field_that_is_wrong(
    field: str, value: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        Retry(**{field: value})

    assert caught.value.field == field
