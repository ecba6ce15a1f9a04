"""Commands on incidents, the rules that open them, and silences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from onbeat.app.context import Context
from onbeat.app.facts.incidents import incident_data, rule_data, silence_data
from onbeat.app.looking import looking
from onbeat.domain import incidents as domain
from onbeat.domain.default_rules import doubts, read_rule
from onbeat.domain.durations import read_duration
from onbeat.domain.errors import InvalidInput
from onbeat.domain.health import Kind
from onbeat.domain.incidents import Incident, IncidentChange, Moved, Severity, Wanted
from onbeat.domain.jobs import check_page, parse_job_id
from onbeat.domain.past import Past
from onbeat.domain.recurrence import Cron
from onbeat.domain.rules import Rule
from onbeat.domain.silences import (
    Matcher,
    Silence,
    aspect_of,
    covers,
    read_silence,
    read_windows,
)
from onbeat.store import incidents as stored
from onbeat.store import rules as stored_rules
from onbeat.store import trying
from onbeat.store.names import unknown, unknown_tags

T = TypeVar("T")

ALL = Wanted()
NAMED: Final = {"tasks": Kind.TASK, "queues": Kind.QUEUE, "schedules": Kind.SCHEDULE}
"""Of which kind are those that a rule's selector names; its tags are whoever's that has them."""

LONGEST_TRIED = timedelta(days=90)
MOST_LOOKED_AT = 500


class Incidents:
    """`ob.incidents`: what is wrong or was; acknowledge, snooze and resolve it."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(
        self, wanted: Wanted = ALL, *, before: str | None = None, limit: int = 50
    ) -> Sequence[Incident]:
        """The newest first; give the last id of a page as `before` for the next. Raises
        InvalidInput, also for a rule that there is not, nor was while something was open of it.
        """
        check_page(limit)

        def work(connection: Connection, now: datetime) -> Sequence[Incident]:
            found = stored.list_incidents(connection, now, wanted, before, limit)
            if wanted.rule is not None and not found:
                stored_rules.check_rule(connection, now, wanted.rule)
            return found

        return await self._context.read(work)

    async def count_open(self) -> dict[Severity, int]:
        """How many are not resolved, of each severity."""
        return await self._context.read(stored.count_open)

    async def find(self, incident: str) -> Incident:
        """One of them. Raises NotFound, InvalidInput."""
        identity = parse_job_id(incident, "incident")
        return await self._context.read(partial(stored.find, identity=identity))

    async def changes(self, incident: str) -> Sequence[IncidentChange]:
        """What happened to it, the oldest first; of very many the last 200."""
        identity = parse_job_id(incident, "incident")
        return await self._context.read(partial(stored.changes, identity=identity))

    async def acknowledge(self, incident: str, by: str, *, note: str | None = None) -> Incident:
        """Say that somebody sees to it: nobody is reminded of it any more. Raises NotFound,
        Conflict, InvalidInput.
        """
        return await self._move("acknowledge", incident, domain.acknowledge, by, note)

    async def snooze(
        self, incident: str, by: str, *, until: datetime | None = None,
        lasts: str | timedelta | None = None, note: str | None = None,
    ) -> Incident:  # fmt: skip
        """Remind nobody of it until then, or for so long. Raises NotFound, Conflict,
        InvalidInput.
        """
        if (until is None) is (lasts is None):
            raise InvalidInput("until", "give either until when, or for how long")

        def step(was: Incident, now: datetime, by: str) -> Moved:
            end = until if lasts is None else now + read_duration(lasts, "for")
            return domain.snooze(was, now, by, end or now)

        return await self._move("snooze", incident, step, by, note)

    async def resolve(self, incident: str, by: str, *, note: str | None = None) -> Incident:
        """Say that it is over. It opens again when it happens again, not while it goes on.

        Raises NotFound, Conflict, InvalidInput.
        """
        return await self._move("resolve", incident, domain.resolve, by, note)

    async def note(self, incident: str, by: str, note: str) -> Incident:
        """Put a note beside it. Raises NotFound, InvalidInput."""
        said = domain.read_note(note)
        if said is None:
            raise InvalidInput("note", "it is empty; say something")
        identity = parse_job_id(incident, "incident")
        work = partial(stored.annotate, identity=identity, by=by, note=said)
        return await self._context.change(
            "incident.note", ("incident", identity), work, told={"note": said}
        )

    async def _move(
        self,
        action: str,
        incident: str,
        step: Callable[[Incident, datetime, str], Moved],
        by: str,
        note: str | None,
    ) -> Incident:
        identity, said = parse_job_id(incident, "incident"), domain.read_note(note)

        def work(connection: Connection, now: datetime) -> Incident:
            return stored.move(connection, now, identity, lambda was: step(was, now, by), by, said)

        look = looking(partial(stored.find, identity=identity), _told)
        return await self._context.change(
            f"incident.{action}", ("incident", identity), work, look=look
        )


def _told(incident: Incident) -> dict[str, Any]:
    """What the audit log has of it: not its facts, which may hold an error's text."""
    data = incident_data(incident, with_errors=False)
    return {name: value for name, value in data.items() if name != "facts"}


class Rules:
    """`ob.rules`: what opens incidents; switch rules off, change them, make others."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(self) -> Sequence[Rule]:
        """All rules by their names."""
        return await self._context.read(stored_rules.list_rules)

    async def find(self, name: str) -> Rule:
        """One rule. Raises NotFound."""
        return await self._context.read(partial(stored_rules.find, name=name))

    async def save(self, rule: Rule, by: str, *, must_be_new: bool = False) -> Rule:
        """Let it be so from the next round on; see `doubts` for what is odd about it.

        Raises InvalidInput, and Conflict for one that must be new and is not.
        """
        wanted = read_rule(rule)
        return await self._change("rule.save", rule.name, partial(
            stored_rules.save, rule=wanted, by=by, must_be_new=must_be_new
        ), is_change=lambda kept: kept.version != rule.version)  # fmt: skip

    async def remove(self, name: str) -> Rule | None:
        """Take it away, which closes its incidents; one that comes with Onbeat is as it came, and
        is given. Raises NotFound.
        """
        return await self._change("rule.remove", name, partial(stored_rules.remove, name=name))

    async def doubts(self, rule: Rule, among: Sequence[Rule] | None = None) -> Sequence[str]:
        """What is odd about a rule, `among` those or all there are: that it can never hold, or
        always does, that another is of the same, or that nobody knows what it names.
        """
        others = await self.list() if among is None else among
        return [*doubts(rule, others), *await self._unheard(rule)]

    async def _unheard(self, rule: Rule) -> Sequence[str]:
        """What nobody knows of what it names, in words."""
        wanted = [
            (kind, each) for name, kind in NAMED.items() for each in getattr(rule.selector, name)
        ]
        tags, registry = rule.selector.tags, self._context.registry
        told: list[str] = []
        if wanted:  # most name nothing, and lists ask of each
            in_code = {Kind.TASK: registry.names()}
            told += await self._context.read(partial(unknown, wanted=wanted, besides=in_code))
        if tags:
            known = {tag for each in registry for tag in each.tags}
            told += await self._context.read(partial(unknown_tags, wanted=tags, in_code=known))
        return [f"{each}; it holds once there is one" for each in told]

    async def try_on_past(self, rule: Rule, since: str | timedelta = "7d") -> Past:
        """When it would have been open, as far as that is kept. Raises InvalidInput."""
        wanted, back = read_rule(rule), read_duration(since, "since")
        if not timedelta() < back <= LONGEST_TRIED:
            raise InvalidInput("since", f"give more than 0s and at most {LONGEST_TRIED.days}d")

        def work(connection: Connection, now: datetime) -> Past:
            return trying.past(connection, now, wanted, now - back)

        return await self._context.read(work)

    async def _change(
        self, action: str, name: str, work: Callable[..., T],
        is_change: Callable[[T], bool] | None = None,
    ) -> T:  # fmt: skip
        look = looking(partial(stored_rules.find, name=name), rule_data)
        return await self._context.change(
            action, ("rule", name), work, look=look, is_change=is_change
        )


class Silences:
    """`ob.silences`: let nobody be told of some incidents for a time."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def list(
        self, *, with_over: bool = False, before: str | None = None, limit: int = 50
    ) -> Sequence[Silence]:
        """Those that hold or are to come, the newest first. Raises InvalidInput."""
        check_page(limit)
        return await self._context.read(
            partial(stored_rules.list_silences, with_over=with_over, before=before, limit=limit)
        )

    async def find(self, silence: str) -> Silence:
        """One of them. Raises NotFound, InvalidInput."""
        identity = parse_job_id(silence, "silence")
        return await self._context.read(partial(stored_rules.find_silence, identity=identity))

    async def covered(self, matcher: Matcher) -> Sequence[Incident]:
        """The incidents, of the newest 500 that are not resolved, that it would cover now. Raises
        InvalidInput.
        """

        def look(connection: Connection, now: datetime) -> Sequence[Incident]:
            stored_rules.check_rules(connection, now, matcher.rules)
            found = stored.list_incidents(connection, now, limit=MOST_LOOKED_AT)
            return [each for each in found if covers(matcher, aspect_of(each))]

        return await self._context.read(look)

    async def create(
        self,
        matcher: Matcher,
        *,
        reason: str,
        by: str,
        lasts: str | timedelta | None = None,
        ends_at: datetime | None = None,
        begins_at: datetime | None = None,
        everything: bool = False,
        each: Cron | None = None,
    ) -> Silence:
        """Silence such incidents until then, or for so long, from now or from a moment on; with
        `each` for so long each time that it says, until then.

        Raises InvalidInput, InvalidRecurrence, Conflict where there are too many.
        """
        windows = read_windows(each, lasts, ends_at)
        identity = (await self._context.store()).new_id()

        def work(connection: Connection, now: datetime) -> Silence:
            begins = now if begins_at is None else begins_at
            end = begins + read_duration(lasts or "", "for") if ends_at is None else ends_at
            begins, said = read_silence(
                matcher, reason=reason, begins_at=begins_at, ends_at=end,
                everything=everything, now=now, windows=windows,
            )  # fmt: skip
            stored_rules.check_rules(connection, now, matcher.rules)
            made = Silence(id=identity, matcher=matcher, reason=said, begins_at=begins,
                           ends_at=end, by=by, created_at=now, windows=windows)  # fmt: skip
            return stored_rules.add_silence(connection, now, made)

        return await self._change("silence.create", identity, work)

    async def end(self, silence: str) -> Silence:
        """Let it be over now; what is still open is told then. Raises NotFound, Conflict."""
        identity = parse_job_id(silence, "silence")
        return await self._change(
            "silence.end", identity, partial(stored_rules.end_silence, identity=identity)
        )

    async def _change(self, action: str, identity: str, work: Callable[..., Silence]) -> Silence:
        look = looking(partial(stored_rules.find_silence, identity=identity), silence_data)
        return await self._context.change(action, ("silence", identity), work, look=look)
