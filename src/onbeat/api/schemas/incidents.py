"""Incidents, rules and silences, as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from onbeat.api.bodies import Answer, Body
from onbeat.domain.default_rules import LONGEST_PATTERN, MOST_LOOKS, MOST_PATTERNS
from onbeat.domain.incidents import LONGEST_NOTE, Change, Kind, Severity, State
from onbeat.domain.rules import Condition
from onbeat.domain.silences import LONGEST_REASON

Pattern = Annotated[str, Field(min_length=1, max_length=LONGEST_PATTERN)]
Patterns = Annotated[list[Pattern], Field(max_length=MOST_PATTERNS)]
Note = Annotated[
    str | None, Field(max_length=LONGEST_NOTE, description="What is said of it, if anything.")
]
Time = Annotated[str, Field(min_length=1, max_length=100)]


class LastErrorOut(Answer):
    """The error of the job that failed last."""

    at: datetime
    type: str | None = Field(description="The exception's class.")
    message: str | None = Field(description="Null without the permission jobs:arguments.")
    place: str | None = Field(description="File, line and function; null likewise.")
    job: str | None = Field(description="The id of the job.")


class ChangedOut(Answer):
    """What was changed before it began."""

    at: datetime
    what: str = Field(description="Which edit it was.")
    by: str | None


class FactsOut(Answer):
    """What somebody needs to know to mend it."""

    what: str = Field(description="What is wrong, as a sentence.")
    since: datetime
    figures: dict[str, str] = Field(description="What was measured, by its name.")
    last_error: LastErrorOut | None = Field(description="The last error of the subject.")
    last_good_at: datetime | None = Field(description="When a job of it last completed.")
    changed: list[ChangedOut] = Field(description="The last edits of the last days.")
    to_try: list[str] = Field(description="Commands that show more, or mend it.")
    link: str | None = Field(description="Where it is shown.")


class IncidentOut(Answer):
    """An incident."""

    id: str
    rule: str = Field(description="The rule that opened it.")
    kind: Kind = Field(description="Whose it is: a task's, a schedule's, a queue's, …")
    subject: str = Field(description="The name of a task or queue, the id of all else.")
    name: str
    severity: Severity = Field(description="How bad it is.")
    state: State
    opened_at: datetime = Field(description="For the last time.")
    seen_at: datetime = Field(description="The last time it was found and written to be so.")
    reopened: int = Field(description="How often it was opened again, soon after its end.")
    flapping: bool = Field(description="Whether it opens and closes all the time.")
    state_at: datetime = Field(description="Since when it is in this state.")
    state_by: str = Field(description="Who brought it there; `judge` where nobody did by hand.")
    snoozed_until: datetime | None = Field(description="Until when nobody is reminded.")
    resolved_at: datetime | None = Field(description="When it was over; null while it is not.")
    inhibited_by: str | None = Field(
        description="The rule of the incident whose consequence it is; nobody is told of it."
    )
    silenced_by: str | None = Field(description="The silence that covers it.")
    facts: FactsOut = Field(description="What somebody needs to know to mend it.")


class IncidentChangeOut(Answer):
    """What happened to an incident."""

    number: int = Field(description="From 1 on.")
    at: datetime
    what: Change = Field(description="What happened.")
    by: str
    note: str | None = Field(description="What was said of it.")


class IncidentWithChanges(IncidentOut):
    """An incident and what happened to it."""

    changes: list[IncidentChangeOut] = Field(description="The oldest first; at most the last 200.")


class OpenCounts(Answer):
    """How many incidents are not resolved."""

    counts: dict[Severity, int] = Field(description="Of each severity.")


class NoteIn(Body):
    """What is said of it."""

    note: Note = None


class NoteAlone(Body):
    """A note."""

    note: str = Field(min_length=1, max_length=LONGEST_NOTE, description="What is said of it.")


class SnoozeIn(Body):
    """Until when: give one of both."""

    until: datetime | None = Field(None, description="Until this moment.")
    lasts: Time | None = Field(None, alias="for", description="For so long, as 2h.")
    note: Note = None


class SelectorOut(Answer):
    """Of which subjects; what is not said is of all."""

    tasks: list[str] = Field([], description="Patterns of names, as mail.*.")
    queues: list[str] = Field([], description="Likewise.")
    schedules: list[str] = Field([], description="Likewise.")
    tags: list[str] = Field([], description="Likewise, of tasks and schedules.")


class RuleChange(Body):
    """What of a rule is to be other than it is."""

    severity: Severity | None = Field(None, description="How bad it is.")
    times: int | None = Field(None, ge=1, description="So many.")
    share: float | None = Field(None, ge=0, le=1, description="Such a share, 0 to 1.")
    least: int | None = Field(None, ge=1, description="Of fewer runs nothing is said.")
    window: Time | None = Field(None, description="How far back is looked, as 1h.")
    longer_than: Time | None = Field(None, description="For so long, as 30m.")
    lasts: Time | None = Field(
        None, alias="for", description="For how long the condition must hold, as 2m."
    )
    open_after: int | None = Field(
        None, ge=1, le=MOST_LOOKS, description="It opens after so many looks in a row, 15 s each."
    )
    close_after: int | None = Field(
        None, ge=1, le=MOST_LOOKS, description="It closes after so many in which it did not hold."
    )
    tasks: Patterns | None = Field(None, description="Of which tasks, as mail.*.")
    queues: Patterns | None = Field(None, description="Of which queues.")
    schedules: Patterns | None = Field(None, description="Of which schedules.")
    tags: Patterns | None = Field(None, description="Of tasks or schedules with which tags.")
    enabled: bool | None = Field(None, description="Whether it is held against what is.")


class IncidentRuleIn(RuleChange):
    """A new rule: what is not given is as the default rule of its condition has it."""

    name: str = Field(min_length=1, max_length=200)
    condition: Condition = Field(description="What it looks for.")
    kind: Kind | None = Field(None, description="Of what; the usual of its condition if unsaid.")


class IncidentRuleOut(Answer):
    """A rule that opens incidents."""

    name: str
    condition: Condition = Field(description="What it looks for.")
    kind: Kind = Field(description="Of what.")
    severity: Severity = Field(description="How bad it is.")
    limits: dict[str, float | int | str | None] = Field(
        description="From where on its condition holds; null where that follows from the subject."
    )
    lasts: str = Field(alias="for", description="For how long the condition must hold.")
    open_after: int = Field(description="It opens after so many looks in a row, 15 s each.")
    close_after: int = Field(description="It closes after so many in which it did not hold.")
    selector: SelectorOut = Field(description="Of which subjects.")
    enabled: bool = Field(description="Whether it is held against what is.")
    is_default: bool = Field(description="Whether it comes with Onbeat.")
    version: int = Field(description="0 where nobody has changed it.")
    changed_at: datetime | None
    changed_by: str | None
    doubts: list[str] = Field(description="What is odd: that it can never hold, or always does.")


class EpisodeOut(Answer):
    """A time in which a rule would have been open."""

    kind: Kind = Field(description="Of what.")
    subject: str = Field(description="The name of a task or queue, the id of a schedule.")
    name: str
    opened_at: datetime = Field(description="From when.")
    closed_at: datetime | None = Field(description="Until when; null where it would be still.")


class PastOut(Answer):
    """When a rule would have been open."""

    rule: str = Field(description="Which rule.")
    since: datetime
    until: datetime = Field(description="Up to when is looked.")
    not_kept: str | None = Field(description="Why nothing can be said, where that is so.")
    is_whole: bool = Field(description="Whether all subjects were looked at, and all is told.")
    doubts: list[str] = Field(description="What is odd: that it can never hold, or always does.")
    episodes: list[EpisodeOut] = Field(description="The newest first.")


class MatcherIn(Body):
    """Which incidents: of a field's values one is enough, and all fields hold."""

    rules: Patterns = Field([], description="Patterns of names, as stale or no-*.")
    kinds: list[Kind] = Field([], max_length=20, description="Of what.")
    severities: list[Severity] = Field([], max_length=10, description="How bad.")
    names: Patterns = Field([], description="Patterns of the names of their subjects.")
    tasks: Patterns = Field([], description="Patterns of tasks.")
    queues: Patterns = Field([], description="Patterns of queues.")
    tags: Patterns = Field([], description="Patterns of tags, of tasks and schedules.")


class SilenceIn(Body):
    """Of which incidents nobody is told, and until when."""

    matcher: MatcherIn = Field(
        MatcherIn.model_validate({}), description="Which incidents.",
        examples=[{"tasks": ["report.*"]}],
    )  # fmt: skip
    everything: bool = Field(False, description="Of all: then no matcher is given.")
    reason: str = Field(min_length=1, max_length=LONGEST_REASON, description="Why.")
    begins_at: datetime | None = Field(None, description="From when on; now if unsaid.")
    ends_at: datetime | None = Field(None, description="Until when, or give `for`.")
    lasts: Time | None = Field(None, alias="for", description="For how long, as 2h.")
    cron: str | None = Field(
        None,
        max_length=1_000,
        examples=["0 2 * * sun"],
        description="Where it comes again, each time for `for`: when; then give both ends.",
    )
    tz: str | None = Field(
        None, max_length=200, examples=["Europe/Paris"],
        description="Whose wall clock the cron follows; UTC if unsaid.",
    )  # fmt: skip


class WindowsOut(Answer):
    """When a silence holds that comes again."""

    cron: str = Field(description="When each window begins.")
    tz: str = Field(description="By whose wall clock.")
    lasts: str = Field(alias="for", description="How long each is.")


class MatcherOut(Answer):
    """Which incidents; what is not said is of all."""

    rules: list[str] = Field([], description="Patterns of names.")
    kinds: list[Kind] = Field([], description="Of what.")
    severities: list[Severity] = Field([], description="How bad.")
    names: list[str] = Field([], description="Patterns of the names of their subjects.")
    tasks: list[str] = Field([], description="Patterns of tasks.")
    queues: list[str] = Field([], description="Patterns of queues.")
    tags: list[str] = Field([], description="Patterns of tags, of tasks and schedules.")


class SilenceOut(Answer):
    """A silence."""

    id: str
    matcher: MatcherOut = Field(description="Which incidents.")
    reason: str = Field(description="Why.")
    begins_at: datetime = Field(description="From when on.")
    ends_at: datetime = Field(description="Until when.")
    by: str
    created_at: datetime
    windows: WindowsOut | None = Field(
        description="Where it comes again between the two: when it holds."
    )
