"""Outlooks that are kept: whose turn it is, and of what nothing is known yet."""

from __future__ import annotations

from dataclasses import replace

from onbeat.domain.anomalies import Hour, Measure
from onbeat.domain.health import Kind, Subject
from onbeat.domain.incidents import Kind as Whose
from onbeat.domain.outlook import Outlook, learn, look_again
from onbeat.domain.outlooks import LEARNT_EVERY, OUTDATED, Outlooks
from tests.domain.series import BEGIN, PAST_HOURS

UNTIL = BEGIN + PAST_HOURS
A, B, C = (Subject(Kind.TASK, name) for name in "abc")


def outlook(subject: Subject = A, until: int = UNTIL, took: float = 1.0) -> Outlook:
    """Of a past of runs of a second each; the last hour as it is said."""
    past = [
        Hour(hour, 10, 10, 0, took if hour == until - 1 else 1.0)
        for hour in range(until - PAST_HOURS, until)
    ]
    return learn(subject, past, until)


def key(subject: Subject) -> tuple[Whose, str]:
    """Whose incident it would be."""
    return Whose(subject.kind), subject.id


def outlooks(*kept: Outlook, listed: tuple[Subject, ...] = (A, B, C)) -> Outlooks:
    """Some that are kept, of an hour that began."""
    found = Outlooks()
    found.begin(UNTIL, listed, ())
    for each in kept:
        found.keep(each)
    return found


def test_until_it_is_judged_nothing_is_known_of_a_subject() -> None:
    found = outlooks(outlook(A))

    assert [found.is_unknown(key(each)) for each in (A, B)] == [False, True]


def test_a_subject_that_is_not_there_is_not_unknown() -> None:
    assert not outlooks(listed=(A,)).is_unknown(key(C))


def test_each_has_its_turn_once_an_hour() -> None:
    found = outlooks(*(outlook(each) for each in (A, B, C)))
    found.begin(UNTIL + 1, (A, B, C), ())

    assert found.turns(2) == [A, B]
    assert found.turns(2) == [C]
    assert found.turns(2) == []


def test_what_is_to_be_learnt_has_a_turn_alone() -> None:
    found = outlooks(outlook(B))
    found.begin(UNTIL + 1, (A, B, C), {A, B})

    assert [found.turns(2) for _ in range(3)] == [[A], [B], [C]]


def test_what_is_open_or_told_has_its_turn_first_then_what_is_not_known_yet() -> None:
    found = outlooks(outlook(A), outlook(C, took=9.0))
    found.begin(UNTIL + 1, (A, B, C), ())
    assert [*found.turns(1), *found.turns(1), *found.turns(1)] == [C, B, A]

    again = outlooks(outlook(A), outlook(C))
    again.begin(UNTIL + 1, (A, B, C), {A})
    assert [*again.turns(1), *again.turns(1), *again.turns(1)] == [A, B, C]


def test_what_is_gone_is_forgotten() -> None:
    found = outlooks(outlook(A, took=9.0))
    assert len(found.told("task")) == 1

    found.begin(UNTIL + 1, (B, C), ())

    assert found.told("task") == []
    assert found.to_learn_from(A, UNTIL + 1) is None


def test_what_could_not_be_judged_for_hours_says_nothing_any_more() -> None:
    found = outlooks(outlook(A, took=9.0))

    found.begin(UNTIL + OUTDATED, (A,), ())

    assert found.told("task") == []
    assert found.is_unknown(key(A))


def test_what_is_usual_is_learnt_once_a_day() -> None:
    found = outlooks(outlook(A))

    assert found.to_learn_from(A, UNTIL + LEARNT_EVERY - 1) is not None
    assert found.to_learn_from(A, UNTIL + LEARNT_EVERY) is None


def test_what_was_judged_is_fresh_for_one_look() -> None:
    found = outlooks(outlook(A))
    assert found.is_fresh(A)

    found.look()

    assert not found.is_fresh(A)


def test_an_hour_is_judged_by_what_was_learnt_before() -> None:
    was = outlook(A)
    recent = [Hour(hour, 10, 10, 0, 1.0) for hour in range(UNTIL - 100, UNTIL)]

    same = look_again(was, [*recent, Hour(UNTIL, 10, 10, 0, 1.0)], UNTIL + 1)
    slow = look_again(was, [*recent, Hour(UNTIL, 10, 10, 0, 9.0)], UNTIL + 1)

    assert not same.anomalies
    assert [each.measure for each in slow.anomalies] == [Measure.DURATION]
    assert slow.learnt == was.learnt


def test_what_was_found_in_the_last_hour_that_ran_stands_until_others_run() -> None:
    was = outlook(A)
    recent = [Hour(hour, 10, 10, 0, 9.0 if hour == UNTIL - 1 else 1.0)
              for hour in range(UNTIL - 100, UNTIL)]  # fmt: skip

    found = look_again(was, recent, UNTIL + 5)
    over = look_again(was, [*recent, Hour(UNTIL + 5, 10, 10, 0, 1.0)], UNTIL + 6)

    duration = [each for each in found.anomalies if each.measure is Measure.DURATION]
    assert [each.until for each in duration] == [
        each.until for each in outlook(A, took=9.0).anomalies
    ]
    assert Measure.DURATION not in {each.measure for each in over.anomalies}


def test_nothing_is_to_tell_of_what_is_as_usual() -> None:
    assert outlook().is_plain
    assert not replace(outlook(), anomalies=outlook(took=9.0).anomalies).is_plain
