"""From when to when each attempt of a run surely ran, by what it noted itself. Pure.

An attempt has what it has from its begin to its end, or as long as it was seen to go on. One whose
worker stood still for longer than the lease, or heard that its session was lost, does so no longer
than its lease did: what it had may be another's from then on (docs/guarantees.md, "not promised").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.chaos.effects import Effect, Word
from tests.chaos.fleet import HEARTBEAT, LEASE
from tests.chaos.history import History, Pause

TERM = 15.0
"""Seconds after which a worker that is not heard is given up."""

HEARS_AFTER = 10.0
"""Seconds after its lease was ended in which a worker that lives hears of it: see the judge of
those who go on.
"""

STOPS_AFTER = 2.0
"""Seconds after its worker heard that its session was lost in which a job must have ended: it is
cancelled at once, or its process killed, by a loop that shares two busy cores with many others.
"""

BEGINS_AFTER = 4.0
"""Seconds from its claim in which a job begins, where its worker does not stand still: it lies
ready for up to half a second, and one under which a worker has died is first put on record, for
which a lock that somebody holds is waited for.
"""


@dataclass(frozen=True, slots=True)
class Span:
    """An attempt, and from when to when it surely ran and had what it had."""

    job: str
    token: int
    worker: int
    under: tuple[str, ...]
    begin: float
    end: float
    claimed_from: float
    """When it was claimed at the earliest."""
    word: Word | None = None
    """How it ended, by its own notes."""
    is_excused: bool = False
    """Whether its lease may have ended before it did."""


def spans(history: History) -> list[Span]:
    """The attempts that noted their begin, in the order they began."""
    notes: dict[tuple[str, int], list[Effect]] = {}
    seen: dict[int, float] = {}
    for effect in sorted(history.effects, key=lambda each: each.at):
        notes.setdefault((effect.job, effect.token), []).append(effect)
        if effect.pid == effect.worker:
            seen[effect.worker] = effect.at
    made = [
        _excused(_span(history, mine, seen), history)
        for mine in notes.values()
        if mine[0].word is Word.BEGIN
    ]
    return sorted(made, key=lambda each: each.begin)


def _span(history: History, mine: Sequence[Effect], seen: dict[int, float]) -> Span:
    first, last = mine[0], mine[-1]
    ended = next((each for each in mine if each.word in (Word.END, Word.OVER)), None)
    end = last.at if ended is None else ended.at
    if ended is None and first.pid == first.worker:
        # It did not even note that it was cancelled: it went on for as long as its process did.
        end = max(end, seen[first.worker])
    claimed_from = first.at - BEGINS_AFTER
    for pause in history.pauses:
        if pause.worker == first.worker and pause.begin < first.at and pause.end > claimed_from:
            claimed_from = min(claimed_from, pause.begin - BEGINS_AFTER)
    return Span(
        first.job, first.token, first.worker, first.under, first.at, end, claimed_from,
        None if ended is None else ended.word,
    )  # fmt: skip


def _excused(span: Span, history: History) -> Span:
    """The span, no longer than its lease may have been."""
    until = span.end
    mine = [each for each in history.pauses if each.worker == span.worker and is_long(each)]
    for pause in mine:
        if pause.begin < span.end and span.begin < _hears(history, pause) + STOPS_AFTER:
            until = min(until, pause.begin + LEASE - HEARTBEAT)
    for worker, at in history.heard:
        is_its = worker == span.worker and span.begin < at <= span.end + HEARS_AFTER
        if is_its and not any(each.begin < at <= _hears(history, each) for each in mine):
            until = min(until, at - HEARS_AFTER)
    if until == span.end:
        return span
    return replace(span, end=max(span.begin, until), is_excused=True)


def is_long(pause: Pause) -> bool:
    """Whether a lease may end while its worker stands still: it counts from the last heartbeat."""
    return pause.end - pause.begin >= LEASE - HEARTBEAT


def _hears(history: History, pause: Pause) -> float:
    """When a worker that stood still heard what it missed; if it did not say so, at the latest."""
    latest = pause.end + HEARS_AFTER
    told = (at for worker, at in history.heard if worker == pause.worker)
    return min((at for at in told if pause.begin < at < latest), default=latest)
