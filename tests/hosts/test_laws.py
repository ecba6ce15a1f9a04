"""The judge of the drills sees what is wrong: each law, broken by one line of a story."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.hosts.app import Effect
from tests.hosts.laws import Attempt, Cut, Moment, Story, judge

KEPT = Attempt("a", 1, "eu-1", "succeeded", 101.0, "eu")
LOST = Attempt("b", 2, "us-1", "lost", 115.0, None)
AGAIN = Attempt("b", 4, "ap-1", "succeeded", 118.0, "ap")
MOVED = Attempt("c", 5, "ap-1", "succeeded", 119.0, "ap")

EFFECTS = (
    Effect("eu", "a", 1, 1, "done", 101.0),
    Effect("us", "b", 2, 1, "done", 116.0),
    Effect("ap", "b", 4, 2, "done", 118.0),
    Effect("ap", "c", 5, 1, "done", 119.0),
)

GOOD = Story(
    cut=Cut(("us",), 100.0, 140.0),
    asked=("a", "b"),
    booked=("a", "b", "c"),
    ended={"a": ["completed"], "b": ["completed"], "c": ["completed"]},
    attempts=(KEPT, LOST, AGAIN, MOVED),
    effects=EFFECTS,
    moments=(
        Moment("s", 100.0, "ran", "a", 100.1),
        Moment("s", 101.0, "ran", "b", 101.2),
        Moment("s", 102.0, "late", "c", 105.0),
    ),
    moved={"c": 117.0},
    homes={"eu-1": "eu", "us-1": "us", "ap-1": "ap"},
)

BROKEN = {
    "a job that was accepted is gone": replace(GOOD, asked=("a", "b", "x")),
    "a job ended twice": replace(GOOD, ended={**GOOD.ended, "a": ["completed", "completed"]}),
    "a job was set aside": replace(GOOD, ended={**GOOD.ended, "a": ["failed"]}),
    "two attempts were believed": replace(
        GOOD, attempts=(*GOOD.attempts, replace(KEPT, token=9))
    ),
    "an attempt had its effect twice": replace(GOOD, effects=(*EFFECTS, EFFECTS[0])),
    "the record believes another host than the one that did it": replace(
        GOOD, attempts=(replace(KEPT, result="us"), LOST, AGAIN, MOVED)
    ),
    "a stale attempt was believed": replace(
        GOOD, attempts=(KEPT, replace(LOST, token=6), AGAIN, MOVED),
        effects=(EFFECTS[0], replace(EFFECTS[1], token=6), *EFFECTS[2:]),
    ),
    "a job was done twice on hosts that were there": replace(
        GOOD, effects=(*EFFECTS, Effect("ap", "a", 3, 2, "done", 102.0))
    ),
    "a host that was there lost its job": replace(
        GOOD, attempts=(KEPT, replace(LOST, session="ap-1"), AGAIN, MOVED)
    ),
    "nothing was taken from the host that went": replace(
        GOOD, attempts=(KEPT, AGAIN, MOVED), effects=(EFFECTS[0], *EFFECTS[2:])
    ),
    "no stale attempt was put to the test": replace(
        GOOD, effects=(EFFECTS[0], *EFFECTS[2:])
    ),
    "nothing was moved": replace(GOOD, moved={}),
    "what was stranded waited until its region was back": replace(
        GOOD, attempts=(KEPT, LOST, AGAIN, replace(MOVED, finished_at=150.0))
    ),
    "a moment is missing": replace(GOOD, moments=(GOOD.moments[0], GOOD.moments[2])),
    "a moment came twice": replace(GOOD, moments=(*GOOD.moments, GOOD.moments[2])),
    "a moment made no job": replace(
        GOOD, moments=(*GOOD.moments[:2], replace(GOOD.moments[2], job=None))
    ),
    "two moments share a job": replace(
        GOOD, moments=(*GOOD.moments[:2], replace(GOOD.moments[2], job="a"))
    ),
    "verify found something": replace(GOOD, breaches=("a law",)),
    "attempts were taken away while nobody could reach anything": replace(GOOD, rescues=False),
}  # fmt: skip


def test_a_story_in_which_all_held_is_good() -> None:
    found = judge(GOOD)

    assert found.wrong == []
    assert (found.lost, found.refused, found.doubled, found.moved) == (1, 1, 1, 1)
    assert (found.rescued_after, found.moved_after, found.late) == (15.0, 17.0, 3.0)


@pytest.mark.parametrize("story", BROKEN.values(), ids=BROKEN)
def test_a_law_that_is_broken_is_told(story: Story) -> None:
    assert judge(story).wrong
