"""What the judge does about the subjects of a rule after a look: open, keep, close. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from onbeat.domain.incidents import Facts, Incident, Kind, Severity
from onbeat.domain.rules import (
    BLANK,
    Causes,
    Condition,
    Finding,
    Look,
    Memory,
    Move,
    Rule,
    Subject,
    chosen,
    judge,
)
from onbeat.domain.silences import Aspect, Silence, silencing

REFRESHED_EVERY: Final = timedelta(minutes=5)
"""How often what is known of an open incident is written anew while nothing else changes."""

NEWS_EVERY: Final = timedelta(minutes=1)
"""How often it is while what it is of fails on: who looks reads of the last failure."""

FAILING: Final = frozenset({Condition.FAILED, Condition.IN_A_ROW, Condition.FAILURE_RATE})
"""What has news when a job fails."""

RENEWED_AT_ONCE: Final = 200
"""Of how many in a round it is, those first that have waited longest: each is looked up."""

AFTERMATH: Final = timedelta(minutes=3)
"""So long after a scheduler came back what it finds missed is told as one with its absence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """An incident to open."""

    finding: Finding
    silenced_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """An open incident of which something is to be written."""

    was: Incident
    finding: Finding
    worsened: bool = False
    is_renewal: bool = False
    """Whether nothing changes but what is known of it."""
    inhibited_by: str | None = None
    silenced_by: str | None = None

    @property
    def is_woken(self) -> bool:
        """Whether people are to be told now, who were not before."""
        return self.was.is_hushed and self.inhibited_by is None and self.silenced_by is None


@dataclass(slots=True)
class Verdict:
    """What is to be written of a rule."""

    opening: list[Opening] = field(default_factory=list)
    keeping: list[Keeping] = field(default_factory=list)
    closing: list[Incident] = field(default_factory=list)
    remembered: dict[Subject, Memory] = field(default_factory=dict)
    """What changed of what is remembered; BLANK where that is nothing any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a look is weighed against."""

    rules: Sequence[Rule]
    causes: Causes
    silences: Sequence[Silence]
    absences: Sequence[tuple[datetime, datetime]] = ()
    """From when to when lately no scheduler was at work."""


def weigh(
    rule: Rule,
    found: Iterable[Finding],
    *,
    remembered: Mapping[Subject, Memory],
    standing: Mapping[Subject, Incident],
    around: Surroundings,
    is_whole: bool,
    now: datetime,
    is_unknown: Callable[[Subject], bool] = lambda _: False,
) -> Verdict:
    """What to do about each subject; of those not found nothing is said where it `is_whole` not,
    or where it is not known yet whether it holds of them.
    """
    verdict = Verdict()
    seen: set[Subject] = set()
    for finding in found:
        if not chosen(around.rules, rule, finding) or _is_aftermath(rule, finding, around):
            continue
        seen.add(finding.key)
        was = _known(finding.key, remembered, standing)
        _weigh_found(verdict, rule, finding, was, standing.get(finding.key), around, now)
    if is_whole:
        for key in (remembered.keys() | standing.keys()) - seen:
            if is_unknown(key):
                continue
            was = _known(key, remembered, standing)
            memory, move = judge(rule, Look(False), was, now)
            if move is Move.CLOSE and key in standing:
                verdict.closing.append(standing[key])
            _remember(verdict, key, was, memory)
    verdict.keeping = _bounded(verdict.keeping)
    return verdict


def _bounded(keeping: Sequence[Keeping]) -> list[Keeping]:
    renewals = [each for each in keeping if each.is_renewal]
    oldest = sorted(renewals, key=lambda each: each.was.seen_at)[:RENEWED_AT_ONCE]
    return [*(each for each in keeping if not each.is_renewal), *oldest]


def weigh_off(
    remembered: Mapping[Subject, Memory], standing: Mapping[Subject, Incident]
) -> Verdict:
    """What to do about the subjects of a rule that is off: all of it is over."""
    return Verdict(closing=list(standing.values()), remembered=dict.fromkeys(remembered, BLANK))


def switched_off(name: str) -> Rule:
    """What stands for a rule that is off, or is no more."""
    return Rule(name=name, condition=Condition.CYCLE, kind=Kind.SYSTEM, severity=Severity.INFO,
                enabled=False)  # fmt: skip


def _known(
    key: Subject, remembered: Mapping[Subject, Memory], standing: Mapping[Subject, Incident]
) -> Memory:
    """What is remembered; an incident that stands is open, whatever became of the memory."""
    was = remembered.get(key, BLANK)
    is_open = key in standing
    return was if was.is_open is is_open else replace(was, is_open=is_open, dismissed_at=None)


def _is_aftermath(rule: Rule, finding: Finding, around: Surroundings) -> bool:
    return rule.condition is Condition.MISSED and any(
        since <= finding.since <= until + AFTERMATH for since, until in around.absences
    )


def _weigh_found(
    verdict: Verdict,
    rule: Rule,
    finding: Finding,
    was: Memory,
    incident: Incident | None,
    around: Surroundings,
    now: datetime,
) -> None:
    memory, move = judge(rule, Look(True, finding.news_at, finding.counted_from), was, now)
    hidden = around.causes.hiding(rule.condition, finding, rule.severity)
    # What was hidden when it came up was told as another's consequence, and has passed by now.
    is_told = finding.is_over and was.bad >= rule.open_after and not was.is_open
    if move is Move.OPEN and (hidden is not None or is_told):
        memory = replace(memory, is_open=False)
    elif move is Move.OPEN:
        silence = silencing(around.silences, _aspect(rule, finding), now)
        verdict.opening.append(Opening(finding=finding, silenced_by=silence))
    elif move is Move.HOLD and incident is not None:
        _keep(verdict, rule, incident, finding, hidden, around, now)
    _remember(verdict, finding.key, was, memory)


def _keep(
    verdict: Verdict,
    rule: Rule,
    was: Incident,
    finding: Finding,
    hidden: str | None,
    around: Surroundings,
    now: datetime,
) -> None:
    if finding.is_over and was.inhibited_by is not None:
        hidden = was.inhibited_by
    keeping = Keeping(
        was=was, finding=finding, worsened=rule.severity.rank > was.severity.rank,
        inhibited_by=hidden,
        silenced_by=silencing(around.silences, _aspect(rule, finding, was.facts), now),
    )  # fmt: skip
    is_same = (was.inhibited_by, was.silenced_by) == (hidden, keeping.silenced_by)
    every = NEWS_EVERY if _fails_on(rule, was, finding) else REFRESHED_EVERY
    if not is_same or keeping.worsened:
        verdict.keeping.append(keeping)
    elif now - was.seen_at >= every:
        verdict.keeping.append(replace(keeping, is_renewal=True))


def _fails_on(rule: Rule, was: Incident, finding: Finding) -> bool:
    """Whether it has failed since the error that is told of it."""
    error = was.facts.last_error
    if error is None or finding.news_at is None or rule.condition not in FAILING:
        return False
    return finding.news_at > error.at


def hushed(
    opening: Opening, rule: Rule, facts: Facts, silences: Sequence[Silence], now: datetime
) -> Opening:
    """What is to be opened, once more is known of it: a silence by a tag may mean the job that
    failed, as channels do.
    """
    if opening.silenced_by is not None:
        return opening
    aspect = _aspect(rule, opening.finding, facts)
    return replace(opening, silenced_by=silencing(silences, aspect, now))


def _aspect(rule: Rule, finding: Finding, facts: Facts | None = None) -> Aspect:
    tags = finding.tags if facts is None else (*finding.tags, *facts.tags)
    return Aspect(
        rule=rule.name, kind=finding.kind, severity=rule.severity, name=finding.name,
        subject=finding.subject, task=finding.task, queue=finding.queue, tags=tags,
    )  # fmt: skip


def _remember(verdict: Verdict, key: Subject, was: Memory, now: Memory) -> None:
    if now != was:
        verdict.remembered[key] = now
