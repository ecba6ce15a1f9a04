"""The judges of jobs on conditions: each kind of broken promise is found, a good run found good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import check
from tests.chaos.conditions import DEPENDENCY, MOST, PACE, WITHIN
from tests.chaos.effects import Effect, Word
from tests.chaos.fleet import LEASE
from tests.chaos.history import (
    Answer,
    Attempt,
    Booked,
    Cancelled,
    Change,
    End,
    FlowAsked,
    History,
    Pause,
    Request,
    Totals,
)
from tests.chaos.spans import BEGINS_AFTER, HEARS_AFTER, TERM

Breaks = Callable[["Made"], object]


class Made:
    """A run that is made up, job by job."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.history = History()
        self._token = 0

    def ran(
        self, job: str, task: str, begin: float, end: float, *under: str, worker: int = 99,
        word: Word | None = Word.END, pid: int | None = None,
    ) -> int:  # fmt: skip
        """An attempt; the job is booked and completed with the first that succeeds."""
        self._token += 1
        own = worker if pid is None else pid
        notes = [(Word.BEGIN, begin), *([] if word is None else [(word, end)])]
        self.history.effects += [
            Effect(each, job, self._token, worker, at, at, own, under=under) for each, at in notes
        ]
        is_done = word is Word.END
        outcome = "succeeded" if is_done else "lost" if word is None else "failed"
        result = self._token if is_done else None
        self.history.attempts.append(Attempt(job, self._token, outcome, result))
        self.booked(job, task)
        if is_done:
            self.ended(job, "completed")
        return self._token

    def booked(self, job: str, task: str) -> None:
        """It was asked for, and is in the book."""
        if job not in {each.id for each in self.history.booked}:
            self.history.booked.append(Booked(job, task))
        self.history.asked.setdefault(job, Answer.ACCEPTED)

    def ended(self, job: str, outcome: str, reason: str | None = None) -> None:
        """It has that end, and no other."""
        others = [each for each in self.history.ends if each.job != job]
        self.history.ends = [*others, End(job, outcome, reason)]

    def asked(self, task: str, job: str, key: str, at: float, refused_by: str = "") -> str:
        """It was asked for alone, within a hundredth of a second; which it is."""
        refused = {job: refused_by} if refused_by else {}
        self.history.requests.append(Request(task, {job: key}, refused, at, at + 0.01))
        self.history.asked[job] = Answer.REFUSED if refused_by else Answer.ACCEPTED
        return job


def good() -> Made:
    """A run in which everything happened that may."""
    made = Made()
    _limits(made)
    _keys(made)
    _breaker(made)
    _flow(made)
    made.ran("t", "in_time", 1.0, 1.1, "by:2.000000")
    made.booked("u", "in_time")
    made.ended("u", "cancelled", "expired: it had not begun by then")
    made.booked("w", "dawdle")
    made.ended("w", "cancelled", "the client called it off")
    made.ran("v", "dawdle", 10.0, 10.4, word=Word.OVER)
    made.ended("v", "cancelled", "the client called it off")
    made.history.called_off = {"w", "v"}
    made.history.cancels = [Cancelled("w", "cancelled", 9.0), Cancelled("v", "running", 10.1)]
    return made


def _limits(made: Made) -> None:
    for number in range(4):
        begin = 1.0 + number // 2
        made.ran(f"slot{number}", "hold", begin, begin + 0.9, "slot:k1")
        made.ran(f"other{number}", "hold", begin, begin + 0.9, f"slot:k{2 + number}")
    for number in range(MOST["shared"]):
        made.ran(f"share{number}", "share", 50.0, 51.0, "shared:", f"slot:s{number}")
    made.history.changes = [
        Change("shared", 5, 60.0, is_answered=False), Change("shared", 5, 60.1, is_answered=True),
        Change("shared", 1, 70.0, is_answered=False), Change("shared", 1, 70.1, is_answered=True),
    ]  # fmt: skip
    for number in range(5):
        made.ran(f"more{number}", "share", 70.0, 71.0, "shared:")
    for number in range(PACE.burst or 0):
        made.ran(f"pace{number}", "pace", 5.0, 5.0, "pace:")
    # A worker that stood still for longer than its lease has what is another's by then.
    made.ran("stood", "hold", 100.0, 110.0, "slot:k9", worker=7)
    made.history.pauses.append(Pause(7, 100.5, 104.0))
    made.history.heard.append((7, 109.5))
    for number in range(2):
        made.ran(f"next{number}", "hold", 100.6 + LEASE, 103.0, "slot:k9")


def _keys(made: Made) -> None:
    made.asked("alone", "k1", "k", 20.0)
    made.asked("alone", "k2", "k", 20.1, refused_by="k1")
    made.ran("k1", "alone", 20.5, 20.6, "alone:k", word=Word.OVER)
    made.ran("k1", "alone", 20.8, 20.9, "alone:k")
    made.asked("alone", "k3", "k", 21.0)
    made.ran("k3", "alone", 21.0, 21.1, "alone:k")
    made.asked("latest", "l1", "k", 20.0)
    made.asked("latest", "l2", "k", 20.1)
    made.booked("l1", "latest")
    made.ended("l1", "cancelled", "replaced by job l2")
    made.ran("l2", "latest", 20.4, 20.5, "latest:k")
    made.asked("one_waits", "o1", "k", 20.0)
    made.ran("o1", "one_waits", 30.0, 30.2, "one_waits:k")
    made.asked("one_waits", "o2", "k", 30.1)
    made.ran("o2", "one_waits", 30.3, 30.4, "one_waits:k")
    made.asked("seldom", "s1", "k", 20.0)
    made.asked("seldom", "s2", "k", 20.0 + WITHIN)
    for number, job in enumerate(("s1", "s2")):
        made.ran(job, "seldom", 20.1 + number * WITHIN, 20.2 + number * WITHIN, "seldom:k")


DOWN, UP = 200.0, 230.0


def _breaker(made: Made) -> None:
    made.history.outages.append((DOWN, UP))
    for number in range(2 * DEPENDENCY.threshold):
        _call(made, f"fails{number}", DOWN + 0.1 * number)
    for number in range(8):
        _call(made, f"probe{number}", DOWN + 12 + 2 * number)


def _call(made: Made, job: str, at: float) -> int:
    """It calls while all is down, and later once more."""
    made.ran(job, "call_out", at, at + 0.05, "dependency:", word=Word.OVER)
    return made.ran(job, "call_out", UP + 1, UP + 1.1, "dependency:")


def _flow(made: Made) -> None:
    made.ran("first", "blink", 40.0, 40.1)
    made.ran("falls", "topple", 40.2, 40.3, word=Word.OVER)
    made.ended("falls", "failed", "PermissionError: never")
    made.booked("needs", "blink")
    made.ended("needs", "cancelled", "topple failed (job falls), and it waits for that")
    made.ran("tidies", "blink", 40.4, 40.5)
    edges = (("first", "falls", "success"), ("falls", "needs", "success"),
             ("falls", "tidies", "end"), ("first", "tidies", "success"))  # fmt: skip
    made.history.flows["f"] = FlowAsked("f", ("first", "falls", "needs", "tidies"), edges)
    made.history.totals.append(Totals("f", 4, 4, 1, 1, is_over=True))


def found(change: Breaks) -> set[tuple[str, str]]:
    """What is found when a good run is changed."""
    made = good()
    change(made)
    return {(finding.promise, finding.subject) for finding in check(made.history)}


def test_a_good_run_is_found_good() -> None:
    assert check(good().history) == []


def hardly_stands(made: Made) -> None:
    """Let the worker that stood still have done so for a moment only."""
    made.history.heard = []
    made.history.pauses = [Pause(7, 100.5, 100.6)]


def goes_on(made: Made) -> None:
    """Let a job that was called off go on for long."""
    made.ran("x", "dawdle", 10.0, 10.2 + TERM + HEARS_AFTER)
    made.history.cancels.append(Cancelled("x", "running", 10.1))


def totals(made: Made, **values: Any) -> None:
    """Change what the workflow says of itself."""
    made.history.totals[0] = replace(made.history.totals[0], **values)


def earlier(made: Made, job: str, at: float) -> None:
    """Let a job's attempts have begun and ended at another moment."""
    made.history.effects = [
        replace(each, at=at) if each.job == job else each for each in made.history.effects
    ]


LIMITS = "a limit is never exceeded"
RATES = "a rate is never exceeded"
KEYS = "a key is never had twice"
WAITS = "of a key until it begins one waits"
APART = "a key for a time is had so long"
REPLACED = "who is replaced does not begin"
REFUSED = "a refused job is not stored"
HOLDER = "who is refused is told who has the key"
LATE = "nothing begins too late"
EXPIRES = "what has begun does not expire"
PROBES = "a breaker lets no more try than it may"
BACK = "an open breaker holds jobs back"
PARENTS = "no job begins before its parents have ended"
WHOLE = "a workflow is stored whole"
TOTALS = "a workflow's totals are right"
OFF = "what is called off ends"
ENDS = "a job ends as its attempts say"

BROKEN: dict[str, tuple[Breaks, tuple[str, str]]] = {
    "three have a slot of two": (
        lambda made: made.ran("x", "hold", 1.5, 1.6, "slot:k1"), (LIMITS, "slot:k1"),
    ),
    "one more shares": (
        lambda made: made.ran("x", "share", 50.5, 50.6, "shared:"), (LIMITS, "shared:"),
    ),
    "a queue of three has four": (
        lambda made: [
            made.ran(f"x{n}", "squeeze", 1.0, 2.0, "queue/narrow:") for n in range(4)
        ], (LIMITS, "queue/narrow:"),
    ),
    "what was allowed for a while is taken later": (
        lambda made: [
            made.ran(f"x{n}", "share", 71.0 + BEGINS_AFTER, 80.0, "shared:") for n in range(2)
        ], (LIMITS, "shared:"),
    ),
    "more than were ever allowed": (
        lambda made: made.ran("x", "share", 70.5, 70.6, "shared:"), (LIMITS, "shared:"),
    ),
    "a worker that stood still for less than its lease is passed over": (
        hardly_stands, (LIMITS, "slot:k9"),
    ),
    "what a worker took after it heard is passed over": (
        lambda made: [
            made.ran(f"x{n}", "hold", 112.0, 113.0, "slot:k9", worker=7) for n in range(3)
        ], (LIMITS, "slot:k9"),
    ),
    "a killed worker's slot is given away before it died": (
        lambda made: (
            made.ran("x", "hold", 60.0, 60.0, "slot:k5", worker=8, word=None),
            made.ran("x8", "blink", 61.0, 61.0, worker=8),
            made.ran("y", "hold", 60.5, 60.9, "slot:k5"),
            made.ran("z", "hold", 60.6, 60.9, "slot:k5"),
        ), (LIMITS, "slot:k5"),
    ),
    "more begin than burst and rate give": (
        lambda made: [made.ran(f"x{n}", "pace", 5.1, 5.1, "pace:") for n in range(20)],
        (RATES, "pace"),
    ),
    "two run with one key": (
        lambda made: made.ran("x", "alone", 20.55, 20.57, "alone:k"), (KEYS, "x"),
    ),
    "one runs with the key of one that is to be tried again": (
        lambda made: made.ran("x", "alone", 20.7, 20.75, "alone:k"), (KEYS, "x"),
    ),
    "two wait with one key": (
        lambda made: (
            made.asked("one_waits", "x", "k", 21.0),
            made.ran("x", "one_waits", 30.5, 30.6, "one_waits:k"),
        ), (WAITS, "x"),
    ),
    "a key for a time is given too soon": (
        lambda made: (
            made.asked("seldom", "x", "k", 20.0 + WITHIN / 2),
            made.ran("x", "seldom", 40.0, 40.0, "seldom:k"),
        ), (APART, "x"),
    ),
    "one that was replaced begins": (
        lambda made: made.ran("l1", "latest", 20.7, 20.8, "latest:k"), (REPLACED, "l1"),
    ),
    "a refused job is stored": (lambda made: made.booked("k2", "alone"), (REFUSED, "k2")),
    "a refused job runs": (
        lambda made: made.ran("k2", "alone", 25.0, 25.1, "alone:k"), (REFUSED, "k2"),
    ),
    "who is refused is told of a job of another key": (
        lambda made: (
            made.asked("alone", "x", "k", 20.3, refused_by="y"),
            made.asked("alone", "y", "another", 20.2),
            made.ran("y", "alone", 20.3, 20.4, "alone:another"),
        ), (HOLDER, "x"),
    ),
    "a job begins after its moment": (
        lambda made: made.ran(
            "x", "in_time", 2.1 + BEGINS_AFTER, 2.2 + BEGINS_AFTER, "by:2.000000"
        ), (LATE, "x"),
    ),
    "a job that has begun expires": (
        lambda made: made.ended("t", "cancelled", "expired: it had not begun by then"),
        (EXPIRES, "t"),
    ),
    "two probes at once": (
        lambda made: _call(made, "x", DOWN + 14.02), (PROBES, "dependency"),
    ),
    "an open breaker lets all go on": (
        lambda made: [_call(made, f"x{n}", DOWN + 12.1 + 0.1 * n) for n in range(100)],
        (BACK, "dependency"),
    ),
    "a child begins before its parent has succeeded": (
        lambda made: earlier(made, "tidies", 40.05), (PARENTS, "tidies"),
    ),
    "a child begins before its parent's last attempt": (
        lambda made: earlier(made, "falls", 40.45), (PARENTS, "tidies"),
    ),
    "a job of a workflow is missing": (
        lambda made: made.history.booked.remove(Booked("tidies", "blink")), (WHOLE, "f"),
    ),
    "a workflow counts an end too few": (lambda made: totals(made, ended=3), (TOTALS, "f")),
    "a workflow counts a failure twice": (lambda made: totals(made, failed=2), (TOTALS, "f")),
    "a workflow is not over": (lambda made: totals(made, is_over=False), (TOTALS, "f")),
    "a workflow has no row": (lambda made: made.history.totals.clear(), (TOTALS, "f")),
    "a job that was called off while it waited begins": (
        lambda made: made.ran("w", "dawdle", 9.5, 9.6), (OFF, "w"),
    ),
    "a job that was called off while it ran goes on": (
        goes_on, (OFF, "x"),
    ),
    "a job is cancelled that nobody called off": (
        lambda made: made.history.called_off.remove("w"), (ENDS, "w"),
    ),
    "a job expires that has no deadline": (
        lambda made: made.ended("w", "cancelled", "expired: it had not begun by then"),
        (ENDS, "w"),
    ),
    "a job is replaced by one that is not there": (
        lambda made: made.ended("l1", "cancelled", "replaced by job nobody"), (ENDS, "l1"),
    ),
    "a job waits for a parent in no workflow": (
        lambda made: made.ended("w", "cancelled", "b failed (job c), and it waits for that"),
        (ENDS, "w"),
    ),
}  # fmt: skip
"""What may go wrong, how, and what is to be found."""


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_promise_is_found(kind: str) -> None:
    change, finding = BROKEN[kind]

    assert finding in found(change)
