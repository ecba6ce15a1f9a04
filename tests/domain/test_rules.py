"""Rules: what opens an incident, and what closes it again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain.default_rules import DEFAULTS, LIMITS, SUBJECTS, doubts, read_rule
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Kind, Severity
from onbeat.domain.rules import (
    BLANK,
    Cause,
    Causes,
    Condition,
    Finding,
    Limits,
    Look,
    Memory,
    Move,
    Rule,
    Selector,
    chosen,
    dismissed,
    judge,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
EVERY = timedelta(seconds=15)
BAD, GOOD = Look(True), Look(False)
looks = st.lists(st.booleans(), max_size=60)
rules = st.builds(
    lambda after, close, lasts: a_rule(open_after=after, close_after=close, lasts=lasts * EVERY),
    st.integers(1, 5), st.integers(1, 5), st.integers(0, 5),
)  # fmt: skip


def a_rule(**said: object) -> Rule:
    """A rule about the queues' backlog."""
    of_it = {"condition": Condition.BACKLOG, "kind": Kind.QUEUE, "severity": Severity.WARNING}
    return read_rule(Rule(name="mine", **{**of_it, **said}))  # type: ignore[arg-type]


def judged(rule: Rule, holds: list[bool]) -> list[Move]:
    """What each look made of it."""
    memory, moves = BLANK, []
    for number, each in enumerate(holds):
        memory, move = judge(rule, Look(each), memory, NOW + number * EVERY)
        moves.append(move)
    return moves


def found(kind: Kind = Kind.QUEUE, subject: str = "mail", **said: object) -> Finding:
    """A subject of which a condition holds."""
    return Finding(kind=kind, subject=subject, name=subject, since=NOW, **said)  # type: ignore[arg-type]


def causes(
    rule: str, condition: Condition, kind: Kind, subject: str,
    severity: Severity = Severity.ERROR,
) -> Causes:  # fmt: skip
    """One open incident."""
    return Causes([Cause(rule, condition, kind, subject, severity)])


@given(rules, looks)
def test_it_opens_only_after_so_many_looks_in_a_row_and_so_long(
    rule: Rule, holds: list[bool]
) -> None:
    for number, move in enumerate(judged(rule, holds)):
        if move is Move.OPEN:
            needed = max(rule.open_after, rule.lasts // EVERY + 1)
            assert number + 1 >= needed
            assert all(holds[number + 1 - needed : number + 1])


@given(rules, looks)
def test_it_closes_only_after_so_many_good_looks_in_a_row(rule: Rule, holds: list[bool]) -> None:
    for number, move in enumerate(judged(rule, holds)):
        if move is Move.CLOSE:
            assert not any(holds[number + 1 - rule.close_after : number + 1])


@given(rules, looks)
def test_it_opens_and_closes_by_turns(rule: Rule, holds: list[bool]) -> None:
    moves = [each for each in judged(rule, holds) if each in (Move.OPEN, Move.CLOSE)]
    assert moves[::2] == [Move.OPEN] * len(moves[::2])
    assert moves[1::2] == [Move.CLOSE] * len(moves[1::2])


@given(rules)
def test_what_holds_for_long_enough_is_opened(rule: Rule) -> None:
    needed = max(rule.open_after, rule.lasts // EVERY + 1)
    assert judged(rule, [True] * needed)[-1] is Move.OPEN


@given(rules, looks)
def test_what_is_good_for_long_enough_is_forgotten(rule: Rule, holds: list[bool]) -> None:
    memory = BLANK
    for number, each in enumerate(holds + [False] * rule.close_after):
        memory, _ = judge(rule, Look(each), memory, NOW + number * EVERY)
    assert memory == BLANK


@given(rules, looks)
def test_while_nothing_changes_nothing_is_remembered_anew(rule: Rule, holds: list[bool]) -> None:
    memory = BLANK
    for number, each in enumerate([*holds, *[True] * 20]):
        before, (memory, _) = memory, judge(rule, Look(each), memory, NOW + number * EVERY)
    assert memory == before, "a storm that lasts is written once"


def test_a_look_between_that_is_good_begins_the_count_anew() -> None:
    rule = a_rule(open_after=3)
    assert Move.OPEN not in judged(rule, [True, True, False, True, True])


def test_what_somebody_resolved_stays_so_while_nothing_new_happens() -> None:
    memory = dismissed(NOW)
    assert judge(a_rule(), Look(True, NOW), memory, NOW + EVERY) == (memory, Move.NONE)


def test_what_somebody_resolved_opens_again_when_it_happens_again() -> None:
    _, move = judge(a_rule(), Look(True, NOW + EVERY), dismissed(NOW), NOW + EVERY)
    assert move is Move.OPEN


def test_what_somebody_resolved_opens_again_once_it_was_good() -> None:
    memory, _ = judge(a_rule(), GOOD, dismissed(NOW), NOW)
    assert judge(a_rule(), BAD, memory, NOW)[1] is Move.OPEN


def test_a_rule_for_all_leaves_those_that_another_names() -> None:
    usual, own = a_rule(), replace(a_rule(selector=Selector(queues=("mail*",))), name="own")
    assert not chosen([usual, own], usual, found(queue="mail-out"))
    assert chosen([usual, own], own, found(queue="mail-out"))
    assert chosen([usual, own], usual, found(queue="bank"))


def test_a_rule_that_is_off_takes_nothing_from_others() -> None:
    usual = a_rule()
    own = replace(a_rule(selector=Selector(queues=("mail",))), name="own", enabled=False)
    assert chosen([usual, own], usual, found(queue="mail"))


def test_all_that_a_rule_says_must_fit() -> None:
    selector = Selector(tasks=("send",), tags=("night",))
    rule = replace(DEFAULTS["stale"], selector=selector)
    schedule = found(Kind.SCHEDULE, "daily", task="send", tags=("night",))
    assert chosen([rule], rule, schedule)
    assert not chosen([rule], rule, replace(schedule, tags=()))


def test_no_scheduler_hides_what_is_late_missed_or_stale() -> None:
    open_ = causes("no-scheduler", Condition.NO_SCHEDULER, Kind.SYSTEM, "scheduler")
    hidden = [each for each in Condition if open_.hiding(each, found(Kind.SCHEDULE))]
    assert set(hidden) == {
        Condition.LATE, Condition.MISSED, Condition.STALE, Condition.UNUSUAL_VOLUME,
        Condition.UNUSUAL_LATENESS, Condition.LATENESS_RISES,
    }  # fmt: skip


def test_trouble_of_the_database_hides_all_but_itself() -> None:
    open_ = causes("database", Condition.DATABASE, Kind.SYSTEM, "database")
    shown = [each for each in Condition if not open_.hiding(each, found())]
    assert shown == [Condition.DATABASE]


def test_a_queue_without_workers_hides_its_own_backlog_alone() -> None:
    open_ = causes("no-workers", Condition.NO_WORKERS, Kind.QUEUE, "mail")
    assert open_.hiding(Condition.BACKLOG, found(subject="mail")) == "no-workers"
    assert open_.hiding(Condition.BACKLOG, found(subject="bank")) is None


@pytest.mark.parametrize("condition", [Condition.IN_A_ROW, Condition.STALE])
def test_a_task_that_fails_in_a_row_hides_its_schedules_that_do_and_the_stale_ones(
    condition: Condition,
) -> None:
    open_ = causes("in-a-row", Condition.IN_A_ROW, Kind.TASK, "send")
    schedule = found(Kind.SCHEDULE, "1", task="send")
    assert open_.hiding(condition, schedule) == "in-a-row"
    assert open_.hiding(condition, replace(schedule, task="charge")) is None


def test_a_task_that_is_unusual_hides_its_schedules_that_are() -> None:
    open_ = causes("unusual-duration", Condition.UNUSUAL_DURATION, Kind.TASK, "send")
    schedule = found(Kind.SCHEDULE, "1", task="send")
    assert open_.hiding(Condition.UNUSUAL_DURATION, schedule) == "unusual-duration"
    assert open_.hiding(Condition.UNUSUAL_VOLUME, schedule) is None
    assert open_.hiding(Condition.UNUSUAL_DURATION, found(Kind.TASK, "send", task="send")) is None


@pytest.mark.parametrize("cause", [
    Condition.NO_WORKERS, Condition.BACKLOG, Condition.UNUSUAL_VOLUME,
])  # fmt: skip
def test_what_is_wrong_with_a_queue_hides_that_its_tasks_and_schedules_run_less(
    cause: Condition,
) -> None:
    open_ = causes("it", cause, Kind.QUEUE, "mail")
    for kind in (Kind.TASK, Kind.SCHEDULE):
        assert open_.hiding(Condition.UNUSUAL_VOLUME, found(kind, "x", queue="mail")) == "it"
        assert open_.hiding(Condition.UNUSUAL_VOLUME, found(kind, "x", queue="bank")) is None


@pytest.mark.parametrize(("cause", "effect"), [
    (Condition.FAILURE_RATE, Condition.UNUSUAL_FAILURES),
    (Condition.FAILURE_RATE, Condition.FAILED),
    (Condition.IN_A_ROW, Condition.FAILURE_RATE),
    (Condition.IN_A_ROW, Condition.UNUSUAL_FAILURES),
    (Condition.SLOW, Condition.UNUSUAL_DURATION),
    (Condition.SLOW, Condition.DURATION_RISES),
    (Condition.DURATION_RISES, Condition.UNUSUAL_DURATION),
    (Condition.FAILURES_RISE, Condition.UNUSUAL_FAILURES),
])  # fmt: skip
def test_the_stronger_rule_of_a_task_hides_the_weaker(cause: Condition, effect: Condition) -> None:
    open_ = causes("it", cause, Kind.TASK, "send")
    assert open_.hiding(effect, found(Kind.TASK, "send")) == "it"
    assert open_.hiding(effect, found(Kind.TASK, "charge")) is None


@pytest.mark.parametrize(("cause", "effect"), [
    (Condition.IN_A_ROW, Condition.FAILED), (Condition.IN_A_ROW, Condition.FAILURE_RATE),
    (Condition.FAILURE_RATE, Condition.FAILURE_RATE), (Condition.FAILED, Condition.FAILED),
])  # fmt: skip
def test_a_task_that_fails_hides_that_its_schedules_do(cause: Condition, effect: Condition) -> None:
    open_ = causes("it", cause, Kind.TASK, "send")
    schedule = found(Kind.SCHEDULE, "1", task="send")
    assert open_.hiding(effect, schedule) == "it"
    assert open_.hiding(effect, replace(schedule, task="charge")) is None


def test_what_is_critical_is_hidden_by_what_is_critical_alone() -> None:
    task = found(Kind.TASK, "send")
    lesser = causes("it", Condition.IN_A_ROW, Kind.TASK, "send", Severity.ERROR)
    both = Causes([
        Cause("it", Condition.IN_A_ROW, Kind.TASK, "send", Severity.ERROR),
        Cause("own", Condition.IN_A_ROW, Kind.TASK, "send", Severity.CRITICAL),
    ])  # fmt: skip
    assert lesser.hiding(Condition.FAILED, task, Severity.ERROR) == "it"
    assert lesser.hiding(Condition.FAILED, task, Severity.CRITICAL) is None
    assert both.hiding(Condition.FAILED, task, Severity.CRITICAL) == "own"


def test_there_is_a_default_rule_of_every_condition() -> None:
    assert {each.condition for each in DEFAULTS.values()} == set(Condition)
    assert set(LIMITS) == set(SUBJECTS) == set(Condition)


@pytest.mark.parametrize("rule", DEFAULTS.values(), ids=lambda rule: rule.name)
def test_a_default_rule_is_whole_and_raises_no_doubt(rule: Rule) -> None:
    assert read_rule(rule) == rule
    assert doubts(rule, DEFAULTS.values()) == []
    assert rule.enabled


def test_limits_that_are_not_given_are_as_the_default_rule_has_them() -> None:
    rule = a_rule(condition=Condition.FAILURE_RATE, kind=Kind.TASK, limits=Limits(share=0.5))
    assert rule.limits == Limits(share=0.5, least=20, window=timedelta(hours=1))


@pytest.mark.parametrize(("said", "field"), [
    ({"limits": Limits(times=3)}, "times"),
    ({"kind": Kind.TASK}, "kind"),
    ({"open_after": 0}, "open_after"),
    ({"close_after": 101}, "close_after"),
    ({"lasts": timedelta(days=32)}, "for"),
    ({"limits": Limits(longer_than=timedelta())}, "longer_than"),
    ({"selector": Selector(tasks=("send",))}, "tasks"),
    ({"selector": Selector(queues=("",))}, "queues"),
    ({"selector": Selector(queues=("a",) * 51)}, "queues"),
    ({"condition": Condition.FAILURE_RATE, "kind": Kind.TASK, "limits": Limits(share=20)}, "share"),
])  # fmt: skip
def test_what_a_rule_may_not_say_is_refused_by_its_field(
    said: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        a_rule(**said)
    assert refused.value.field == field


@pytest.mark.parametrize(("name", "said", "word"), [
    ("failure-rate", {"limits": Limits(share=0.0)}, "always"),
    ("failure-rate", {"limits": Limits(share=1.0)}, "every single"),
    ("failure-rate", {"lasts": timedelta(hours=2)}, "hardly ever"),
    ("missed", {"lasts": timedelta(minutes=5)}, "over before"),
    ("late", {"limits": Limits(longer_than=timedelta(seconds=1))}, "nothing is wrong"),
    ("deliveries", {"limits": Limits(times=2001)}, "never holds"),
])  # fmt: skip
def test_a_rule_that_never_or_always_holds_is_told(
    name: str, said: dict[str, object], word: str
) -> None:
    told = doubts(read_rule(replace(DEFAULTS[name], **said)), [])  # type: ignore[arg-type]
    assert word in " ".join(told)


def test_what_was_remembered_of_before_is_no_reason_to_open_at_once() -> None:
    memory = Memory(bad=0, since=NOW - timedelta(days=1))
    _, move = judge(a_rule(lasts=timedelta(minutes=1)), BAD, memory, NOW)
    assert move is Move.NONE
