"""The outlooks of all subjects, kept between looks, and whose turn it is to be judged. Pure.

To learn what is usual takes some hundred times as long as to hold an hour against it. So each is
learnt once a day, judged once for each full hour, and found again at each look until then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from onbeat.domain.anomalies import Measure
from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.health import Kind, Subject
from onbeat.domain.incidents import Kind as Whose
from onbeat.domain.outlook import FAILURE_LIMIT, LATENESS_LIMIT, Limit, Limits, Outlook
from onbeat.domain.rules import Condition, Finding, Rule, chosen
from onbeat.domain.rules import Subject as Key

LEARNT_EVERY: Final = 24
"""Hours."""

OUTDATED: Final = 3
"""Hours after which an outlook that nobody could renew says nothing any more."""

MOST: Final = 20_000
"""Subjects that are judged, queues and tasks first: some kB of memory each."""

UNUSUAL: Final = {
    Condition.UNUSUAL_DURATION: Measure.DURATION,
    Condition.UNUSUAL_FAILURES: Measure.FAILURES,
    Condition.UNUSUAL_VOLUME: Measure.VOLUME,
    Condition.UNUSUAL_LATENESS: Measure.LATENESS,
}
RISING: Final = {
    Condition.DURATION_RISES: Measure.DURATION,
    Condition.FAILURES_RISE: Measure.FAILURES,
    Condition.LATENESS_RISES: Measure.LATENESS,
}


class Outlooks:
    """What is kept of each subject, and of which it is not known yet."""

    def __init__(self) -> None:
        """Of none yet."""
        self.until: int | None = None
        """The hour since 1970 before which all are judged, or are to be."""
        self.listed: frozenset[Subject] = frozenset()
        """All that are judged."""
        self._kept: dict[Subject, Outlook] = {}
        self._told: dict[Subject, Outlook] = {}
        self._turns: deque[Subject] = deque()
        self._fresh: set[Subject] = set()

    def begin(self, until: int, subjects: Iterable[Subject], first: Collection[Subject]) -> None:
        """Another hour is over: all of these are to be judged anew, those `first` that are open
        or are told, then those of which nothing is known.
        """
        listed = list(subjects)
        self.until, self.listed = until, frozenset(listed)
        for known in (self._kept, self._told):
            for gone in known.keys() - self.listed:
                del known[gone]

        def rank(subject: Subject) -> tuple[int, int]:
            kept = self._kept.get(subject)
            if subject in first or subject in self._told:
                return 0, 0
            return (1, 0) if kept is None else (2, kept.until)

        self._turns = deque(sorted(listed, key=rank))

    def look(self) -> None:
        """Another look begins: what was judged before it is fresh no more."""
        self._fresh.clear()

    def turns(self, most: int) -> list[Subject]:
        """Whose turn it is, one alone where it is to be learnt; none is given again until the next
        hour.
        """
        some: list[Subject] = []
        while self._turns and len(some) < most:
            is_to_learn = self.to_learn_from(self._turns[0], self.until or 0) is None
            if some and is_to_learn:
                break
            some.append(self._turns.popleft())
            if is_to_learn:
                break
        return some

    @property
    def left(self) -> int:
        """How many have not had their turn in this hour."""
        return len(self._turns)

    def keep(self, outlook: Outlook) -> None:
        """Keep what was found."""
        subject = outlook.subject
        self._kept[subject] = outlook
        self._fresh.add(subject)
        self._told.pop(subject, None)
        if not outlook.is_plain:
            self._told[subject] = outlook

    def to_learn_from(self, subject: Subject, until: int) -> Outlook | None:
        """What was kept of it, where what is usual need not be learnt anew."""
        kept = self._kept.get(subject)
        return None if kept is None or until - kept.learnt >= LEARNT_EVERY else kept

    def told(self, kind: str) -> list[Outlook]:
        """Those of a kind of which there may be something to tell."""
        return [
            each for subject, each in self._told.items()
            if subject.kind == kind and not self._is_outdated(each)
        ]  # fmt: skip

    def is_fresh(self, subject: Subject) -> bool:
        """Whether it was judged in this look."""
        return subject in self._fresh

    def is_unknown(self, key: Key) -> bool:
        """Whether it is yet to be judged: so long nothing of it is over."""
        subject = subject_of(key)
        kept = self._kept.get(subject)
        return subject in self.listed and (kept is None or self._is_outdated(kept))

    def knows_durations(self, key: Key) -> bool:
        """Whether it is known how long its runs usually take."""
        kept = self._kept.get(subject_of(key))
        return kept is not None and kept.knows_durations

    def _is_outdated(self, outlook: Outlook) -> bool:
        return self.until is None or self.until - outlook.until >= OUTDATED


def subject_of(key: Key) -> Subject:
    """Whose health is whose incident's."""
    return Subject(Kind(key[0]), key[1])


def rests_on_outlooks(rule: Rule) -> bool:
    """Whether what the rule finds depends on what is usual."""
    if rule.condition is Condition.SLOW:
        return not is_own(rule)
    return rule.condition in UNUSUAL or rule.condition in RISING


def is_own(rule: Rule) -> bool:
    """Whether somebody gave the limit of rule `slow`, by name or for all: it holds in any case."""
    usual = DEFAULTS["slow"].limits.longer_than
    return not rule.selector.selects_all or rule.limits.longer_than != usual


def has_unusual(rules: Sequence[Rule], finding: Finding) -> bool:
    """Whether a rule tells of it when its runs take longer than usual."""
    return any(
        each.condition is Condition.UNUSUAL_DURATION and each.enabled
        and each.kind is finding.kind and chosen(rules, each, finding)
        for each in rules
    )  # fmt: skip


def limits_of(rules: Sequence[Rule], finding: Finding, period: float | None) -> Limits:
    """What a subject's measures must not reach, by the rules that are about it; `period` is the
    seconds between two moments of a schedule.
    """

    def given(condition: Condition, name: str, of: str = "") -> Limit | None:
        for rule in rules:
            value = getattr(rule.limits, name)
            if rule.condition is not condition or rule.kind is not finding.kind or value is None:
                continue
            if condition is Condition.SLOW and not is_own(rule):
                continue
            if rule.enabled and chosen(rules, rule, finding):
                seconds = value if name == "share" else value.total_seconds()
                return Limit(seconds, of or f"the limit of rule {rule.name}")
        return None

    found: dict[Measure, Limit | None] = {
        Measure.DURATION: given(Condition.DURATION_RISES, "longer_than")
        or given(Condition.SLOW, "longer_than")
        or (None if period is None else Limit(period, "when its next run is due")),
        Measure.FAILURES: given(Condition.FAILURES_RISE, "share")
        or given(Condition.FAILURE_RATE, "share", FAILURE_LIMIT.of)
        or FAILURE_LIMIT,
    }
    if finding.kind is Whose.SCHEDULE:
        found[Measure.LATENESS] = (
            given(Condition.LATENESS_RISES, "longer_than")
            or given(Condition.LATE, "longer_than", LATENESS_LIMIT.of)
            or LATENESS_LIMIT
        )
    return {measure: limit for measure, limit in found.items() if limit is not None}


def limit_of(
    rule: Rule, rules: Sequence[Rule], finding: Finding, period: float | None
) -> Limit | None:
    """What the measure of a rule must not reach: its own limit, else that of the others."""
    own = rule.limits.longer_than, rule.limits.share
    if any(each is not None for each in own):
        return limits_of([rule], finding, period).get(RISING[rule.condition])
    return limits_of(rules, finding, period).get(RISING[rule.condition])
