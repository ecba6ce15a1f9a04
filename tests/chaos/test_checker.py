"""The judge of chaos runs: each kind of broken promise is found, and a good run is found good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.checker import check
from tests.chaos.effects import Effect, Word
from tests.chaos.history import Answer, Attempt, Booked, End, History, Moment, Pause

SECOND = 1_000_000
Change = Callable[[History], object]


def good() -> History:
    """A run in which everything happened that may."""
    return History(
        asked={"a": Answer.ACCEPTED, "b": Answer.ACCEPTED, "c": Answer.UNKNOWN,
               "p": Answer.ACCEPTED, "s": Answer.ACCEPTED},
        booked=[
            Booked("a", "blink"),
            Booked("b", "grind"),
            Booked("p", "poison"),
            Booked("s", "stumble"),
            Booked("o", "beat", "each second", 1 * SECOND),
        ],
        ends=[
            End("a", "completed"), End("b", "completed"), End("o", "completed"),
            End("p", "failed", "set aside: its worker died (3 of 3)"),
            End("s", "failed", "ValueError: attempt 4 of 5 that fail"),
        ],
        attempts=[
            Attempt("a", 1, "succeeded", 1),
            Attempt("b", 2, "lost"), Attempt("b", 3, "lost"), Attempt("b", 9, "succeeded", 9),
            *(Attempt("p", token, "lost") for token in (4, 5, 6)),
            Attempt("o", 7, "succeeded", 7),
            *(Attempt("s", token, "failed") for token in (10, 11, 12, 13)),
        ],
        effects=[
            *ran("a", 1, 1.0),
            Effect(Word.BEGIN, "b", 2, 100, 2.0), Effect(Word.LINE, "b", 2, 100, 3.9),
            Effect(Word.BEGIN, "b", 3, 101, 6.0), Effect(Word.LINE, "b", 3, 101, 10.5),
            *ran("b", 9, 9.0),
            *(Effect(Word.BEGIN, "p", token, 100 + token, float(token)) for token in (4, 5, 6)),
            *ran("o", 7, 1.5, occurrence=1 * SECOND),
            *(Effect(Word.BEGIN, "s", token, 102, 1.0) for token in (10, 11, 12, 13)),
        ],
        ledger=[
            Moment("each second", 1 * SECOND, 1 * SECOND, "ran", "o"),
            Moment("each second", 2 * SECOND, 4 * SECOND, "coalesced"),
            Moment("each second", 5 * SECOND, 5 * SECOND, "skipped"),
        ],
        steps={"each second": SECOND},
        deaths={100: 4.0},
        pauses=[Pause(101, 6.5, 10.0)],
        heard=[(101, 10.1)],
    )  # fmt: skip


def ran(job: str, token: int, at: float, occurrence: int | None = None) -> list[Effect]:
    """What a short attempt notes."""
    return [
        Effect(Word.BEGIN, job, token, 99, at, occurrence=occurrence),
        Effect(Word.END, job, token, 99, at + 0.01, occurrence=occurrence),
    ]


def found(change: Change) -> set[tuple[str, str]]:
    """What is found when a good run is changed."""
    history = good()
    change(history)
    return {(finding.promise, finding.subject) for finding in check(history)}


def without(history: History, part: str, **wanted: object) -> None:
    """Take out the one row that is like that."""
    rows = getattr(history, part)
    [row] = [each for each in rows if all(getattr(each, k) == v for k, v in wanted.items())]
    rows.remove(row)


def changed(history: History, part: str, wanted: dict[str, object], **values: object) -> None:
    """Change the one row that is like that."""
    rows = getattr(history, part)
    [place] = [
        place for place, each in enumerate(rows)
        if all(getattr(each, name) == value for name, value in wanted.items())
    ]  # fmt: skip
    rows[place] = replace(rows[place], **values)


def going_on(history: History, at: float, *, pauses: bool = True) -> None:
    """A line of an attempt that others have followed, of a worker that has not heard."""
    history.heard.clear()
    if not pauses:
        history.pauses.clear()
    history.effects.append(Effect(Word.LINE, "b", 3, 101, at))


def test_a_good_run_is_found_good() -> None:
    assert check(good()) == []


def test_an_unknown_job_may_be_there() -> None:
    def change(history: History) -> None:
        history.booked.append(Booked("c", "blink"))
        history.ends.append(End("c", "completed"))
        history.attempts.append(Attempt("c", 20, "succeeded", 20))
        history.effects += ran("c", 20, 5.0)

    assert found(change) == set()


LOST = "an accepted job is not lost"
ENDS = "every job ends, once"
AS_SAID = "a job ends as its attempts say"
FENCE = "an outcome is that of the attempt that held the fence"
RECORD = "what ran is on record"
ONCE = "an attempt runs once"
ORPHAN = "no orphan goes on with a job"
MOMENTS = "each moment of a schedule is on record once"
OCCURRENCES = "each occurrence that ran has one job, and each scheduled job one occurrence"

BROKEN: dict[str, tuple[Change, tuple[str, str]]] = {
    "an accepted job is nowhere": (
        lambda run: run.asked.update(x=Answer.ACCEPTED), (LOST, "x"),
    ),
    "a job nobody asked for": (
        lambda run: run.asked.pop("a"), ("nothing runs that nobody asked for", "a"),
    ),
    "a job is booked twice": (
        lambda run: run.booked.append(Booked("a", "blink")), ("a job is booked once", "a"),
    ),
    "a job has no end": (lambda run: without(run, "ends", job="a"), (ENDS, "a")),
    "a job has two ends": (lambda run: run.ends.append(End("a", "completed")), (ENDS, "a")),
    "a job fails that must not": (
        lambda run: changed(run, "ends", {"job": "a"}, outcome="failed"), (AS_SAID, "a"),
    ),
    "a job is completed without an attempt that succeeded": (
        lambda run: changed(run, "attempts", {"token": 9}, outcome="interrupted", result=None),
        (AS_SAID, "b"),
    ),
    "a poison job is completed": (
        lambda run: changed(run, "ends", {"job": "p"}, outcome="completed", reason=None),
        (AS_SAID, "p"),
    ),
    "a poison job is set aside after two losses": (
        lambda run: without(run, "attempts", token=5), (AS_SAID, "p"),
    ),
    "a poison job is set aside after four losses": (
        lambda run: run.attempts.append(Attempt("p", 30, "lost")), (AS_SAID, "p"),
    ),
    "a poison job is set aside for an attempt it had not begun": (
        lambda run: changed(run, "attempts", {"token": 5}, has_begun=False), (AS_SAID, "p"),
    ),
    "a job is completed after three losses": (
        lambda run: run.attempts.append(Attempt("b", 8, "lost")), (AS_SAID, "b"),
    ),
    "a job is given up too early": (
        lambda run: without(run, "attempts", token=11), (AS_SAID, "s"),
    ),
    "the result is another attempt's": (
        lambda run: changed(run, "attempts", {"token": 9}, result=3), (FENCE, "b"),
    ),
    "a lost attempt has a result": (
        lambda run: changed(run, "attempts", {"token": 3}, result=3), (FENCE, "b"),
    ),
    "an attempt that was not the last succeeded": (
        lambda run: changed(run, "attempts", {"token": 3}, outcome="succeeded", result=3),
        (FENCE, "b"),
    ),
    "what succeeded never began": (
        lambda run: without(run, "effects", word=Word.BEGIN, token=1), (FENCE, "a"),
    ),
    "what succeeded never ended": (
        lambda run: without(run, "effects", word=Word.END, token=1), (FENCE, "a"),
    ),
    "what ran is not on record": (
        lambda run: without(run, "attempts", token=2), (RECORD, "b"),
    ),
    "an attempt ran twice": (lambda run: run.effects.extend(ran("a", 1, 7.0)), (ONCE, "a")),
    "two attempts share a token": (
        lambda run: changed(run, "attempts", {"token": 13}, token=12),
        ("a token is given once", "12"),
    ),
    "a job goes on after its worker died": (
        lambda run: run.effects.append(Effect(Word.LINE, "b", 2, 100, 4.6)), (ORPHAN, "b"),
    ),
    "a job goes on after its worker heard that it lost its session": (
        lambda run: run.effects.append(Effect(Word.LINE, "b", 3, 101, 12.2)), (ORPHAN, "b"),
    ),
    "a worker never hears that it lost its session": (
        lambda run: going_on(run, 20.1), (ORPHAN, "b"),
    ),
    "a worker that did not stand still hears late": (
        lambda run: going_on(run, 19.1, pauses=False), (ORPHAN, "b"),
    ),
    "a moment is missing": (
        lambda run: without(run, "ledger", outcome="coalesced"), (MOMENTS, "each second"),
    ),
    "a moment is on record twice": (
        lambda run: changed(run, "ledger", {"outcome": "coalesced"}, through=5 * SECOND),
        (MOMENTS, "each second"),
    ),
    "a schedule was never due": (lambda run: run.ledger.clear(), (MOMENTS, "each second")),
    "an occurrence that ran has no job": (
        lambda run: changed(run, "ledger", {"outcome": "ran"}, job=None),
        (OCCURRENCES, "each second"),
    ),
    "an occurrence's job is not in the book": (
        lambda run: without(run, "booked", id="o"), (OCCURRENCES, "each second"),
    ),
    "a skipped occurrence has a job": (
        lambda run: changed(run, "ledger", {"outcome": "skipped"}, job="a"),
        (OCCURRENCES, "each second"),
    ),
    "a scheduled job has no occurrence": (
        lambda run: run.booked.append(Booked("q", "beat", "each second", 9 * SECOND)),
        (OCCURRENCES, "q"),
    ),
    "a job was told another moment": (
        lambda run: changed(
            run, "effects", {"job": "o", "word": Word.END}, occurrence=2 * SECOND
        ),
        (OCCURRENCES, "o"),
    ),
    "the store is not sound": (
        lambda run: run.breaches.append("no-place x"), ("the store keeps its laws", "no-place x"),
    ),
    "a process is left": (lambda run: run.left.append("7 sh"), ("no process is left", "7 sh")),
    "a process ended badly": (
        lambda run: run.exits.append("worker 7"), ("who is asked to end ends well", "worker 7"),
    ),
}  # fmt: skip
"""What may go wrong, how, and what is to be found."""


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_promise_is_found(kind: str) -> None:
    change, finding = BROKEN[kind]

    assert finding in found(change)


@pytest.mark.parametrize("at", [12.0, 19.9])
def test_a_worker_may_go_on_until_it_hears_that_it_lost_its_session(at: float) -> None:
    def change(history: History) -> None:
        history.heard = [(101, at - 1)]
        history.effects.append(Effect(Word.LINE, "b", 3, 101, at))

    assert found(change) == set()
