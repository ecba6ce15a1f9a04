"""What a notice says, before any channel gives it a shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from onbeat.domain.channels import Options, Tells
from onbeat.domain.durations import format_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.incidents import Severity, link_to
from onbeat.domain.notices import Item, Notice, NoticeKind
from onbeat.domain.templates import fill
from onbeat.domain.words import moment

LONGEST_ERROR: Final = 900
"""Characters of an error: its end, where the cause stands."""

LONGEST_TITLE: Final = 150
LONGEST_LINE: Final = 500

SIGNS: Final = {
    Severity.INFO: "🔵",
    Severity.WARNING: "🟡",
    Severity.ERROR: "🔴",
    Severity.CRITICAL: "🚨",
}
DONE: Final = "🟢"

HEADS: Final = {
    NoticeKind.RESOLVED: "Resolved: ",
    NoticeKind.REPEATED: "Still open: ",
    NoticeKind.ESCALATED: "Nobody sees to it: ",
    NoticeKind.TEST: "Test: ",
}
TOLD: Final = {
    Tells.REOPENED: "Again: ",
    Tells.WORSENED: "Worse: ",
    Tells.WOKEN: "Open again: ",
    Tells.FLAPPING: "Comes and goes: ",
    Tells.ACKNOWLEDGED: "Acknowledged: ",
    Tells.SNOOZED: "Snoozed: ",
    Tells.NOTED: "Noted: ",
    Tells.ESCALATED: "Nobody sees to it: ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice on its way to a channel, and what it says."""

    notice: Notice
    at: datetime
    """When it is sent."""
    title: str
    text: str
    """All of it, as plain text."""
    lines: tuple[str, ...]
    """The incidents that it tells of."""
    figures: tuple[tuple[str, str], ...]
    error: str | None
    to_try: tuple[str, ...]
    link: str | None
    foot: str
    environment: str | None
    left: int
    """How many that were told in its thread are open still."""
    unseen: int
    is_own: bool = False
    """Whether `text` is of a template: then channels add nothing to it."""
    fault: str | None = None
    """Why the template was not used."""

    @property
    def sign(self) -> str:
        """What shows how bad it is at a glance."""
        over = (NoticeKind.RESOLVED, NoticeKind.TEST)
        return DONE if self.notice.kind in over else SIGNS[self.notice.severity]

    @property
    def first(self) -> Item:
        """The incident that it tells of first."""
        return self.notice.items[0]

    @property
    def leads_to(self) -> str:
        """What opens where `link` leads."""
        return "Open incident" if self.notice.count == 1 else "Open incidents"

    @property
    def key(self) -> str:
        """By what other systems know all that belongs together."""
        thread = f"{self.notice.rule}:{self.notice.thread}"
        return f"onbeat:{self.environment or 'default'}:{thread}"[:255]


def linked(notice: Notice, public_url: str | None) -> Notice:
    """The notice, each incident with its address under there; a test is of none."""
    if public_url is None or notice.kind is NoticeKind.TEST:
        return notice
    items = []
    for each in notice.items:
        link = link_to(public_url, each.incident)
        items.append(replace(each, facts=replace(each.facts, link=link)))
    return dataclasses.replace(notice, items=tuple(items))


def compose(
    notice: Notice, options: Options, at: datetime, *, environment: str | None = None,
    left: int = 0, unseen: int = 0, listed: str | None = None,
) -> Letter:  # fmt: skip
    """What the notice says, by the channel's templates; plainly where one cannot be filled. One of
    several incidents leads to where they are `listed`.
    """
    plain = _plain(notice, at, environment, left, unseen, listed)
    if options.title is None and options.text is None:
        return plain
    values = _values(plain)
    try:
        title = plain.title if options.title is None else fill(options.title, values)
        text = plain.text if options.text is None else fill(options.text, values)
    except InvalidInput as error:
        return _changed(plain, fault=f"the plain text stands in: {error}")
    is_own = options.text is not None
    return _changed(plain, title=_cut(title, LONGEST_TITLE), text=text, is_own=is_own)


def _changed(letter: Letter, **said: object) -> Letter:
    values = {name: getattr(letter, name) for name in Letter.__slots__}
    return Letter(**{**values, **said})


def _plain(
    notice: Notice, at: datetime, environment: str | None, left: int, unseen: int,
    listed: str | None,
) -> Letter:  # fmt: skip
    first = notice.items[0]
    is_one = notice.count == 1
    lines = tuple(_line(each, at) for each in notice.items)
    over = notice.count - len(notice.items)
    if over > 0:
        lines = (*lines, f"… and {over:,} more")
    error = _error(first) if is_one else None
    figures = _figures(first, at) if is_one else ()
    is_over = notice.kind is NoticeKind.RESOLVED
    steps = () if is_over else tuple(first.facts.to_try) if is_one else _of_all(notice)
    foot = _foot(notice, first, environment)
    title = _cut(_title(notice, first), LONGEST_TITLE)
    more = _left(notice, left)
    said = [title, *(() if is_one else lines), *(f"{name}: {value}" for name, value in figures)]
    said += [f"Note: {first.note}"] if first.note and is_one else []
    said += ["", error] if error else []
    said += ["", *(f"Try: {step}" for step in steps)] if steps else []
    link = first.facts.link if is_one else listed
    said += [link] if link else []
    said += [more] if more else []
    return Letter(
        notice=notice, at=at, title=title, text="\n".join([*said, "", foot]),
        lines=(*(() if is_one else lines), *((more,) if more else ())), figures=figures,
        error=error, to_try=steps, link=link, foot=foot, environment=environment, left=left,
        unseen=unseen,
    )  # fmt: skip


def _title(notice: Notice, first: Item) -> str:
    if notice.kind is NoticeKind.MORE:
        return f"+{notice.count:,} more: the channel had been told as often as it may in a day"
    head = HEADS.get(notice.kind) or TOLD.get(first.tells, "")
    if notice.count == 1:
        return f"{head}{_one_line(first.facts.what)}"
    return f"{head}{notice.count:,} incidents of {notice.rule}"


def _left(notice: Notice, left: int) -> str | None:
    if notice.kind is not NoticeKind.RESOLVED or not left:
        return None
    return f"{left:,} that were told with it {'is' if left == 1 else 'are'} open still"


def _of_all(notice: Notice) -> tuple[str, ...]:
    """What shows the incidents that are told together."""
    return () if notice.kind is NoticeKind.MORE else (f"onbeat incidents ls --rule {notice.rule}",)


def _line(item: Item, at: datetime) -> str:
    lasted, error = _lasted(item, at), None if item.resolved_at else _error(item)
    said = f": {_one_line(error)}" if error else ""
    return _cut(f"{item.severity}: {_one_line(item.facts.what)} ({lasted}){said}", LONGEST_LINE)


def _figures(item: Item, at: datetime) -> tuple[tuple[str, str], ...]:
    facts = item.facts
    found = [
        (str(item.kind).capitalize(), item.name),
        ("Severity", str(item.severity)),
        ("Since", moment(facts.since)),
        ("Lasted" if item.resolved_at else "Lasting", _lasted(item, at)),
    ]
    if facts.last_good_at is not None:
        last = "Last good run before" if item.resolved_at else "Last good run"
        found.append((last, moment(facts.last_good_at)))
    elif facts.last_error is not None and item.resolved_at is None:
        found.append(("Last good run", "none on record"))
    found += [(_one_line(name), _one_line(value)) for name, value in facts.figures.items()]
    found += [("Changed", f"{each.what} ({moment(each.at)})") for each in facts.changed[:2]]
    if item.by and item.tells in (Tells.ACKNOWLEDGED, Tells.SNOOZED, Tells.NOTED, Tells.RESOLVED):
        found.append(("By", item.by))
    return tuple((name, _cut(value, LONGEST_LINE)) for name, value in found[:10])


def _lasted(item: Item, at: datetime) -> str:
    seconds = int(((item.resolved_at or at) - item.facts.since).total_seconds())
    lasted = (item.resolved_at or at) - item.facts.since
    return format_duration(lasted - lasted % _second(seconds))


def _second(seconds: int) -> timedelta:
    """To whole seconds below an hour, to minutes above."""
    return timedelta(seconds=1) if seconds < 3600 else timedelta(minutes=1)


def _error(item: Item) -> str | None:
    last = item.facts.last_error
    if last is None:
        return None
    said = ": ".join(each for each in (last.type, last.message) if each)
    told = "\n".join(each for each in (said, last.place and f"at {last.place}") if each)
    return f"…{told[-LONGEST_ERROR:]}" if len(told) > LONGEST_ERROR else told or None


def _foot(notice: Notice, first: Item, environment: str | None) -> str:
    of = f"incident {first.incident}" if notice.count == 1 else f"{notice.count:,} incidents"
    return " · ".join(each for each in (environment, notice.rule, of, "Onbeat") if each)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, longest: int) -> str:
    line = text.strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _values(letter: Letter) -> Mapping[str, str]:
    """What a template may name; see `domain/templates.py`."""
    first, notice = letter.first, letter.notice
    error, facts = first.facts.last_error, first.facts
    at = facts.last_good_at
    return {
        "what": _one_line(facts.what) if notice.count == 1 else letter.title,
        "change": str(notice.kind if notice.count > 1 else first.tells),
        "rule": notice.rule,
        "severity": str(notice.severity),
        "kind": str(first.kind),
        "name": first.name,
        "since": moment(facts.since),
        "lasted": _lasted(first, letter.at),
        "count": str(notice.count),
        "left": str(letter.left),
        "error": letter.error or "",
        "place": (error and error.place) or "",
        "last_good": "" if at is None else moment(at),
        "try": "\n".join(facts.to_try),
        "by": first.by or "",
        "note": first.note or "",
        "environment": letter.environment or "",
        "incident": first.incident,
        "link": letter.link or "",
    }
