"""Requests to the outside, as they are counted."""

from __future__ import annotations

import pytest

from onbeat.domain.requests import BOUNDS, RequestKind, RequestOutcome, Requests, by_kind

SENT, AGAIN = RequestOutcome.SENT, RequestOutcome.AGAIN


@pytest.mark.parametrize("outcome", RequestOutcome)
def test_each_is_counted_by_what_came_of_it(outcome: RequestOutcome) -> None:
    one = Requests(kind="slack").with_one(outcome, 0.2)

    assert {each: one.count(each) for each in RequestOutcome} == {
        each: int(each is outcome) for each in RequestOutcome
    }


@pytest.mark.parametrize(
    ("seconds", "place"),
    [(0.0, 0), (BOUNDS[0], 0), (0.051, 1), (BOUNDS[-1], len(BOUNDS) - 1), (61.0, len(BOUNDS))],
)
def test_each_is_counted_in_the_bucket_whose_bound_it_does_not_pass(
    seconds: float, place: int
) -> None:
    one = Requests(kind="slack").with_one(SENT, seconds)

    assert [number for number, count in enumerate(one.within) if count] == [place]
    assert one.seconds == seconds


def test_those_of_one_kind_are_put_together() -> None:
    slack = Requests(kind="slack").with_one(SENT, 0.2)
    mail = Requests(kind="email").with_one(AGAIN, 3)

    assert by_kind([slack, mail, slack]) == [mail, slack + slack]
    assert (slack + slack).sent == sum((slack + slack).within) == 2


def test_a_kind_that_a_newer_process_tells_of_is_passed_over() -> None:
    assert by_kind([Requests(kind="pigeon")]) == []
    assert [each.kind for each in by_kind(Requests(kind=kind) for kind in RequestKind)] == sorted(
        RequestKind
    )
