"""Channels: where incidents are told, which of them, and how often. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from onbeat.domain.durations import format_duration, read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Change, Incident, Kind, Severity
from onbeat.domain.recurrence.zones import known_zone, zone_info
from onbeat.domain.templates import check_template

LONGEST_NAME: Final = 100
MOST_PATTERNS: Final = 50
MOST_A_DAY: Final = 10_000
RESERVED: Final = frozenset({"stats"})
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ChannelKind(StrEnum):
    """By what a channel tells."""

    SLACK = "slack"
    EMAIL = "email"
    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty"
    APPRISE = "apprise"


class Tells(StrEnum):
    """What a channel can be told; the changes of incidents, and what the dispatcher adds."""

    OPENED = "opened"
    REOPENED = "reopened"
    WORSENED = "worsened"
    WOKEN = "woken"
    FLAPPING = "flapping"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    NOTED = "noted"
    REPEATED = "repeated"
    """It is open still, and nobody sees to it."""
    ESCALATED = "escalated"
    """Another channel was told, and nobody sees to it."""


QUIETER: Final = frozenset({Tells.ACKNOWLEDGED, Tells.SNOOZED, Tells.NOTED})
"""What is told only where it is asked for."""

DEFAULT: Final = tuple(each for each in Tells if each not in QUIETER)

Patterns = tuple[str, ...]
"""With `*` and `?`; one that begins with `!` takes away what others let in."""


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a channel wants to be told, and how."""

    severity: Severity = Severity.WARNING
    """The least severe it hears of."""
    rules: Patterns = ()
    kinds: Patterns = ()
    names: Patterns = ()
    queues: Patterns = ()
    tasks: Patterns = ()
    tags: Patterns = ()
    """Of these at least one fits; none: all do."""
    changes: tuple[Tells, ...] = ()
    """What it is told; none: all but what is quieter."""
    group_wait: str = "30s"
    """How long a notice waits for others of its rule, to tell of them together."""
    group_interval: str = "5m"
    """The least time between two notices of a rule."""
    repeat: str = "4h"
    """After how long an incident that nobody sees to is told again; 0s: never."""
    cooldown: str = "5m"
    """For how long after a notice the same incident is not told to be open again."""
    gap: str = "1s"
    """The least time between two sendings."""
    daily: int = 300
    """The most notices in a day of UTC; the rest become one."""
    escalate_after: str | None = None
    """After how long a critical incident that nobody sees to is told elsewhere too."""
    escalate_to: str | None = None
    """The name of that channel."""
    quiet: str | None = None
    """Hours in which only what is critical is told, as `22:00-07:00 Europe/Paris`."""
    title: str | None = None
    text: str | None = None
    """Templates; see `templates`."""

    def span(self, name: str) -> timedelta:
        """The duration in the option `name`."""
        return read_duration(getattr(self, name), name)


SPANS: Final = ("group_wait", "group_interval", "repeat", "cooldown", "gap", "escalate_after")
LONGEST_SPAN: Final = timedelta(days=7)
PATTERNS: Final = ("rules", "kinds", "names", "queues", "tasks", "tags")
OPTIONS: Final = tuple(Options.__struct_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel; where it leads is not in it, but for what may be shown."""

    id: str
    name: str
    kind: ChannelKind
    target: str
    """What may be shown of where it leads."""
    options: Options
    enabled: bool
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None = None
    disabled_why: str | None = None
    fault: str | None = None
    """What is wrong with it now, though it goes on."""
    fault_at: datetime | None = None
    not_before: datetime | None = None
    """Nothing is sent there before."""

    @property
    def tells(self) -> frozenset[Tells]:
        """What it is told; an acknowledgement is a thing of its own to PagerDuty."""
        if self.options.changes:
            return frozenset(self.options.changes)
        own = {Tells.ACKNOWLEDGED} if self.kind is ChannelKind.PAGERDUTY else set()
        return frozenset(DEFAULT) | own


def check_channel_name(name: str, field: str = "name") -> str:
    """A channel's name. Raises InvalidInput naming `field`."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise InvalidInput(
            field, f"{name!r} is not allowed; give 1 to {LONGEST_NAME} letters, digits, dots, "
            "dashes or underscores, the first a letter or digit",
        )  # fmt: skip
    if name in RESERVED:
        raise InvalidInput(field, f"{name!r} means something else over REST; give another name")
    return name


def read_kind(text: str) -> ChannelKind:
    """The kind of that name. Raises InvalidInput."""
    try:
        return ChannelKind(text)
    except ValueError:
        known = ", ".join(ChannelKind)
        raise InvalidInput("kind", f"{text!r} is not known; give one of {known}") from None


def read_options(given: Mapping[str, Any], before: Options | None = None) -> Options:
    """Options with what is `given` changed; None takes a value back to its default. Raises
    InvalidInput naming the option.
    """
    values = {name: getattr(before or Options(), name) for name in OPTIONS}
    for name, value in given.items():
        if name not in values:
            near = get_close_matches(name, OPTIONS, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"they are {', '.join(OPTIONS)}"
            raise InvalidInput(name, f"there is no such option; {meant}")
        values[name] = getattr(Options(), name) if value is None else _read(name, value)
    read = Options(**values)
    _check_escalation(read)
    return read


def _read(name: str, value: Any) -> Any:
    if name == "severity":
        return _severity(value)
    if name in PATTERNS:
        return _patterns(name, value)
    if name == "changes":
        return _changes(value)
    if name in SPANS:
        return _span(name, value)
    if name == "daily":
        return _daily(value)
    if name == "quiet":
        return _Quiet.read(value).text
    if name in ("title", "text"):
        return check_template(name, value)
    return check_channel_name(value, name)


def _severity(value: str) -> Severity:
    try:
        return Severity(value)
    except ValueError:
        known = ", ".join(Severity)
        raise InvalidInput("severity", f"{value!r} is none; give one of {known}") from None


def _patterns(name: str, value: Iterable[str]) -> Patterns:
    if isinstance(value, str):
        raise InvalidInput(name, f"{value!r} is one text; give a list: [{value!r}]")
    found = tuple(dict.fromkeys(value))
    if len(found) > MOST_PATTERNS:
        raise InvalidInput(name, f"there are {len(found)}; give at most {MOST_PATTERNS}")
    for each in found:
        if not each.removeprefix("!").strip() or len(each) > 200 or not each.isprintable():
            told = "give 1 to 200 characters, none of them a control character"
            raise InvalidInput(name, f"{each!r} is no pattern; {told}")
    return found


def _changes(value: Iterable[str]) -> tuple[Tells, ...]:
    if isinstance(value, str):
        raise InvalidInput("changes", f"{value!r} is one text; give a list: [{value!r}]")
    found = []
    for each in value:
        try:
            found.append(Tells(each))
        except ValueError:
            known = ", ".join(Tells)
            raise InvalidInput("changes", f"{each!r} is none; give some of {known}") from None
    return tuple(each for each in Tells if each in found)


def _span(name: str, value: str | timedelta) -> str:
    span = read_duration(value, name)
    if span > LONGEST_SPAN:
        raise InvalidInput(name, f"{value!r} is too long; give up to 7d")
    return format_duration(span)


def _daily(value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_A_DAY:
        raise InvalidInput("daily", f"{value!r} is not allowed; give 1 to {MOST_A_DAY}")
    return value


def _check_escalation(options: Options) -> None:
    if (options.escalate_after is None) == (options.escalate_to is None):
        return
    missing = "escalate_to" if options.escalate_to is None else "escalate_after"
    other = "escalate_after" if options.escalate_to is None else "escalate_to"
    raise InvalidInput(missing, f"it is missing beside {other}; give both, or neither")


def fits(options: Options, incident: Incident) -> bool:
    """Whether a channel with those options hears of the incident, by what it is about."""
    if incident.severity.rank < options.severity.rank:
        return False
    facts = incident.facts
    of = incident.name
    asked: tuple[tuple[Patterns, tuple[str, ...]], ...] = (
        (options.rules, (incident.rule,)),
        (options.kinds, (str(incident.kind),)),
        (options.names, (of,)),
        (options.queues, _known(facts.queue, of if incident.kind == "queue" else None)),
        (options.tasks, _known(facts.task, of if incident.kind == "task" else None)),
        (options.tags, tuple(facts.tags)),
    )
    return all(_matches(patterns, values) for patterns, values in asked)


def hearers(channels: Iterable[Channel], incident: Incident) -> frozenset[str]:
    """The ids of those that hear of the incident, by what it is about.

    A channel is not told of its own trouble; where none of the others is set to hear of it, all of
    them do: else nobody would learn that nobody is told.
    """
    is_channels = incident.kind is Kind.CHANNEL
    others = [each for each in channels if not (is_channels and each.name == incident.subject)]
    set_to = [each for each in others if fits(each.options, incident)]
    return frozenset(each.id for each in set_to or (others if is_channels else ()))


def _known(*values: str | None) -> tuple[str, ...]:
    return tuple(each for each in values if each is not None)


def _matches(patterns: Patterns, values: tuple[str, ...]) -> bool:
    against = [each[1:] for each in patterns if each.startswith("!")]
    wanted = [each for each in patterns if not each.startswith("!")]
    if any(fnmatchcase(value, each) for value in values for each in against):
        return False
    return not wanted or any(fnmatchcase(value, each) for value in values for each in wanted)


_HOURS = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d) (\S+)")


@dataclass(frozen=True, slots=True)
class _Quiet:
    """Hours of each day in a zone."""

    begins: time
    ends: time
    zone: str

    @classmethod
    def read(cls, text: str) -> _Quiet:
        found = _HOURS.fullmatch(text.strip()) if isinstance(text, str) else None
        wrong = f"{text!r} cannot be read; write 22:00-07:00 Europe/Paris"
        if found is None:
            raise InvalidInput("quiet", wrong)
        try:
            begins = time(int(found[1]), int(found[2]))
            ends = time(int(found[3]), int(found[4]))
        except ValueError:
            raise InvalidInput("quiet", wrong) from None
        if begins == ends:
            raise InvalidInput("quiet", f"{text!r} begins when it ends; give other hours")
        try:
            zone = known_zone(found[5])
        except InvalidInput as error:
            raise InvalidInput("quiet", str(error).partition(": ")[2]) from None
        return cls(begins, ends, zone)

    @property
    def text(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M} {self.zone}"

    def over_at(self, moment: datetime) -> datetime:
        """The moment itself, or when the hours that it lies in are over."""
        zone = zone_info(self.zone)
        local = moment.astimezone(zone)
        at, day = local.time(), local.date()
        if self.begins < self.ends:
            if not self.begins <= at < self.ends:
                return moment
        elif self.ends <= at < self.begins:
            return moment
        elif at >= self.begins:
            day += timedelta(days=1)
        ends = datetime.combine(day, self.ends, tzinfo=zone)
        return max(moment, ends.astimezone(moment.tzinfo))


def told_at(options: Options, severity: Severity, moment: datetime) -> datetime:
    """The moment, or the end of the quiet hours it lies in; what is critical waits for none."""
    if options.quiet is None or severity is Severity.CRITICAL:
        return moment
    return _Quiet.read(options.quiet).over_at(moment)


CHANGES: Final = {Change(each): Tells(each) for each in Change}
"""What a change of an incident is to a channel."""
