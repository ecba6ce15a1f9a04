"""How much of what limits let a worker hold it asks for at a time."""

from __future__ import annotations

from onbeat.runtime.worker.demand import MOST_AT_ONCE
from onbeat.runtime.worker.share import FEWEST, LEARN_AGAIN_AFTER, Share
from onbeat.store.granting import Sight

USED_UP = Sight(is_used_up=True)
SOLE = Sight(has_sole_slots=True)


def knowing(most: int) -> Share:
    """One that has claimed so many, and found nobody behind them who had room."""
    made = Share()
    made.learn(MOST_AT_ONCE, most, (0, 0), USED_UP)
    return made


def test_where_no_limit_was_met_all_that_is_wanted_is_asked_for() -> None:
    assert Share().wanted(1_000, busy=0, ending=500) == 1_000


def test_of_what_may_be_held_half_is_asked_for_at_a_time() -> None:
    assert knowing(1_000).wanted(1_000, busy=0, ending=0) == 500


def test_a_half_is_asked_for_while_the_other_is_run_and_no_sooner() -> None:
    share = knowing(1_000)

    asked = [share.wanted(1_000, busy=100, ending=ending) for ending in (400, 401)]

    assert asked == [500, 0]


def test_jobs_that_may_take_long_are_not_waited_for() -> None:
    assert knowing(1_000).wanted(1_000, busy=900, ending=0) == 500


def test_what_was_held_already_counts_halfway_where_it_ended_during_the_claim() -> None:
    share = Share()

    share.learn(1_000, 300, (400, 200), USED_UP)

    assert share.wanted(1_000, busy=0, ending=0) == (300 + 300) // 2


def test_few_are_not_claimed_in_halves() -> None:
    assert knowing(FEWEST - 1).wanted(1_000, busy=0, ending=0) == 1_000


def test_a_claim_that_may_have_waited_for_slots_tells_how_many_there_are() -> None:
    share = Share()

    share.learn(MOST_AT_ONCE, MOST_AT_ONCE, (1_000, 0), SOLE)

    assert share.wanted(1_000, busy=0, ending=0) == MOST_AT_ONCE // 2


def test_a_small_claim_of_such_slots_tells_nothing() -> None:
    """A worker that begins asks for few: it would be kept at a half of that."""
    share = Share()

    share.learn(200, 200, (0, 0), SOLE)

    assert share.wanted(1_000, busy=0, ending=0) == 1_000


def test_a_line_that_is_empty_says_that_no_limit_holds_it_up() -> None:
    share = knowing(1_000)

    share.learn(500, 20, (0, 0), Sight())

    assert share.wanted(1_000, busy=0, ending=0) == 1_000


def test_now_and_then_all_is_asked_for_again() -> None:
    share = knowing(1_000)

    asked = []
    for _ in range(LEARN_AGAIN_AFTER):
        asked.append(share.wanted(1_000, busy=0, ending=0))
        share.learn(500, 500, (0, 0), Sight())

    assert set(asked[:-1]) == {500}
    assert share.wanted(1_000, busy=0, ending=0) == 1_000
