"""Incidents: what may be done with them, and what that makes of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from onbeat.domain.errors import Conflict, InvalidInput
from onbeat.domain.incidents import (
    FLAPS,
    LONGEST_SNOOZE,
    REOPENED_WITHIN,
    Change,
    Facts,
    Incident,
    Kind,
    Severity,
    State,
    acknowledge,
    flaps,
    is_reopened,
    read_note,
    reopen,
    resolve,
    snooze,
    wake,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
FACTS = Facts(what="send failed", since=NOW)
OPEN = Incident(
    id="1", rule="failed", kind=Kind.TASK, subject="send", name="send", severity=Severity.WARNING,
    state=State.OPEN, opened_at=NOW, seen_at=NOW, seen=1, reopened=0, flapping=False, state_at=NOW,
    state_by="judge", facts=FACTS,
)  # fmt: skip
OVER = resolve(OPEN, LATER, "ann")[0]


def test_who_acknowledges_it_is_on_it() -> None:
    now, change = acknowledge(OPEN, LATER, "ann")
    assert (now.state, now.state_by, now.state_at) == (State.ACKNOWLEDGED, "ann", LATER)
    assert change is Change.ACKNOWLEDGED


def test_what_is_snoozed_is_so_until_a_moment() -> None:
    until = LATER + timedelta(hours=1)
    now, _ = snooze(OPEN, LATER, "ann", until)
    assert (now.state, now.snoozed_until) == (State.SNOOZED, until)


def test_what_wakes_is_open_and_not_snoozed() -> None:
    snoozed, _ = snooze(OPEN, NOW, "ann", LATER)
    now, change = wake(snoozed, LATER)
    assert (now.state, now.snoozed_until, change) == (State.OPEN, None, Change.WOKEN)


@pytest.mark.parametrize("until", [NOW, NOW - timedelta(1), NOW + 2 * LONGEST_SNOOZE])
def test_a_snooze_ends_in_time_to_come(until: datetime) -> None:
    with pytest.raises(InvalidInput, match="until"):
        snooze(OPEN, NOW, "ann", until)


def test_nothing_more_is_done_with_one_that_is_over() -> None:
    for move in (acknowledge, resolve):
        with pytest.raises(Conflict):
            move(OVER, LATER, "ann")
    with pytest.raises(Conflict):
        snooze(OVER, NOW, "ann", LATER)


def test_what_comes_back_soon_is_the_same_incident() -> None:
    assert is_reopened(OVER, LATER + REOPENED_WITHIN)
    assert not is_reopened(OVER, LATER + REOPENED_WITHIN + timedelta(seconds=1))
    assert not is_reopened(OPEN, LATER)


def test_what_is_opened_again_says_how_often() -> None:
    now, change = reopen(OVER, LATER, Severity.ERROR, FACTS)
    assert (now.state, now.reopened, now.resolved_at) == (State.OPEN, 1, None)
    assert (now.severity, change) == (Severity.ERROR, Change.REOPENED)


def test_more_than_six_openings_in_an_hour_are_flapping() -> None:
    each = [NOW - number * timedelta(minutes=5) for number in range(FLAPS + 1)]
    assert flaps(each, NOW)
    assert not flaps(each[1:], NOW)
    assert not flaps(each, NOW + timedelta(minutes=31))


def test_severities_are_in_order() -> None:
    assert sorted(Severity, key=lambda each: each.rank) == list(Severity)
    assert Severity.CRITICAL.rank > Severity.INFO.rank


def test_nobody_is_told_of_what_is_hidden_or_silenced() -> None:
    assert not OPEN.is_hushed
    assert replace(OPEN, inhibited_by="database").is_hushed
    assert replace(OPEN, silenced_by="1").is_hushed


def test_a_note_has_an_end() -> None:
    assert read_note("  ") is None
    with pytest.raises(InvalidInput, match="note"):
        read_note("x" * 2001)
