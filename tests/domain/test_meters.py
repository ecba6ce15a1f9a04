"""What is counted in memory, and how sums of the fleet are put together."""

from __future__ import annotations

from onbeat.domain.meters import BOUNDS, REST, Added, Counting, Meter, Sum, together


def test_a_duration_lies_in_the_first_bucket_whose_bound_it_does_not_exceed() -> None:
    counting = Counting()
    for seconds in (-1.0, 0.005, 0.006, 3600.0, 3601.0):
        counting.took(Meter.WAITED, ("q",), seconds)

    taken = counting.take()

    assert [(each.bucket, each.number) for each in taken] == [
        (0, 2), (1, 1), (len(BOUNDS) - 1, 1), (len(BOUNDS), 1)
    ]  # fmt: skip
    assert taken[0].seconds == 0.005


def test_what_was_taken_is_held_no_more_unless_it_is_put_back() -> None:
    counting = Counting()
    counting.count(Meter.REMOVED, ("ledger",), 3)

    taken = counting.take()
    assert counting.take() == []
    counting.count(Meter.REMOVED, ("ledger",), 4)
    counting.put_back(taken)

    assert counting.take() == [Added(Meter.REMOVED, ("ledger",), 0, 7, 0.0)]


def test_the_rest_keeps_the_words_of_which_there_are_few() -> None:
    one = Added(Meter.RAN, ("q", "t", "failed"), 3, 1, 0.1)

    assert one.as_rest().labels == (REST, REST, "failed")


def test_sums_come_together_by_some_of_their_labels() -> None:
    sums = [
        Sum(Meter.RAN, ("q", "t", "failed"), (1, 0), 1.0),
        Sum(Meter.RAN, ("q", "t", "succeeded"), (2, 3), 2.0),
        Sum(Meter.RAN, ("a", "t", "succeeded"), (1, 1), 4.0),
    ]

    assert together(sums, (0, 1)) == [
        Sum(Meter.RAN, ("a", "t"), (1, 1), 4.0), Sum(Meter.RAN, ("q", "t"), (3, 3), 3.0)
    ]  # fmt: skip
