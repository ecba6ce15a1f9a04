"""Changes of incidents turned into notices, in the transaction that marks them as routed.

Whoever routes is alone in it: a group of notices is looked up, then added to. A storm costs a
bounded number of notices: of a rule one, then one each `group_interval`; and of each of those as
many about what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Row,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.channels import CHANGES, Channel, Tells, hearers, told_at
from onbeat.domain.incidents import Change, Facts, Incident, Kind, Severity, State
from onbeat.domain.notices import (
    LISTED,
    UNSETTLED,
    Item,
    NoticeKind,
    NoticeState,
    Seen,
    Step,
    Telling,
    escalated,
    follow,
    item_of,
    kind_of,
    remind,
    topic_of,
    worst,
)
from onbeat.store.among import among
from onbeat.store.channels import SHOWN, channel_of
from onbeat.store.declaring import be_alone
from onbeat.store.payloads import encode
from onbeat.store.schema import channels, incident_changes, incidents, notices, tellings

AT_ONCE = 500
"""Changes, or tellings, in a transaction."""

ALONE = "notices"
"""What those who route, and those who claim, are alone in."""

_read_facts = msgspec.json.Decoder(Facts).decode
read_items = msgspec.json.Decoder(tuple[Item, ...]).decode

NewId = Callable[[], str]


def waits(connection: Connection, now: datetime) -> bool:
    """Whether there is anything to route, to remind of, to escalate, or to send."""
    is_due = or_(
        and_(notices.c.state.in_(("held", "due")), notices.c.due_at <= now),
        and_(notices.c.state == "sending", notices.c.lease_until < now),
    )
    rested = or_(channels.c.not_before.is_(None), channels.c.not_before <= now)
    looks = (
        select(incident_changes.c.number).where(incident_changes.c.routed == 0),
        select(channels.c.enabled)
        .select_from(channels.join(notices, notices.c.channel == channels.c.id))
        .where(notices.c.state.in_(map(str, UNSETTLED)), is_due, channels.c.enabled == 1, rested),
        _later(tellings.c.next_at, now),
        _later(tellings.c.escalate_at, now),
    )
    first = [select(look.limit(1).subquery().c[0]) for look in looks]
    return connection.execute(union_all(*first).limit(1)).first() is not None


def _later(column: Any, now: datetime) -> Any:
    enabled = channels.c.enabled == 1
    joined = tellings.join(channels, channels.c.id == tellings.c.channel)
    return select(channels.c.enabled).select_from(joined).where(column <= now, enabled)


def route(connection: Connection, now: datetime, new_id: NewId) -> int:
    """Route a batch of changes; how many those were."""
    be_alone(connection, ALONE)
    query = select(incident_changes).where(incident_changes.c.routed == 0)
    ordered = query.order_by(incident_changes.c.at, incident_changes.c.incident,
                             incident_changes.c.number)  # fmt: skip
    changes = connection.execute(ordered.limit(AT_ONCE)).all()
    if not changes:
        return 0
    desk = _Desk(connection, now, new_id)
    of = find_incidents(connection, {change.incident for change in changes})
    desk.recall(of)
    for change in changes:
        if change.incident in of:
            desk.hear(of[change.incident], change)
    desk.flush()
    _mark_routed(connection, changes)
    return len(changes)


def _mark_routed(connection: Connection, changes: Sequence[Row[Any]]) -> None:
    """One by one, in one statement each engine has a plan for: by their keys."""
    keys = [(change.incident, change.number) for change in changes]
    which = tuple_(incident_changes.c.incident, incident_changes.c.number).in_(keys)
    connection.execute(update(incident_changes).where(which).values(routed=1))


def remind_again(connection: Connection, now: datetime, new_id: NewId) -> int:
    """Look at tellings whose moment has come: repeat them, or tell their end."""
    be_alone(connection, ALONE)
    rows = _due_tellings(connection, tellings.c.next_at, now)
    if not rows:
        return 0
    desk = _Desk(connection, now, new_id)
    of = find_incidents(connection, {row.incident for row in rows})
    desk.recall(of)
    for row in rows:
        desk.look_again(row, of.get(row.incident))
    desk.flush()
    return len(rows)


def escalate(connection: Connection, now: datetime, new_id: NewId) -> int:
    """Tell another channel of what nobody sees to."""
    be_alone(connection, ALONE)
    rows = _due_tellings(connection, tellings.c.escalate_at, now)
    if not rows:
        return 0
    desk = _Desk(connection, now, new_id)
    of = find_incidents(connection, {row.incident for row in rows})
    desk.recall(of)
    for row in rows:
        desk.escalate(row, of.get(row.incident))
    over = tellings.c.escalate_at <= now
    ids = [row.incident for row in rows]
    of_them = among(connection, tellings.c.incident, ids)
    connection.execute(update(tellings).where(over, of_them).values(escalate_at=None))
    desk.flush()
    return len(rows)


def _due_tellings(connection: Connection, column: Any, now: datetime) -> Sequence[Row[Any]]:
    joined = tellings.join(channels, channels.c.id == tellings.c.channel)
    query = select(tellings).select_from(joined).where(column <= now, channels.c.enabled == 1)
    return connection.execute(query.order_by(column).limit(AT_ONCE)).all()


def find_incidents(connection: Connection, ids: Iterable[str]) -> dict[str, Incident]:
    """Those incidents, by id."""
    query = select(incidents).where(among(connection, incidents.c.id, list(ids)))
    return {row.id: _incident(row) for row in connection.execute(query)}


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id, rule=row.rule, kind=Kind(row.kind), subject=row.subject, name=row.name,
        severity=Severity(row.severity), state=State(row.state), opened_at=row.opened_at,
        seen_at=row.seen_at, seen=row.seen, reopened=row.reopened, flapping=bool(row.flapping),
        state_at=row.state_at, state_by=row.state_by, facts=_read_facts(row.facts),
        snoozed_until=row.snoozed_until, resolved_at=row.resolved_at,
        inhibited_by=row.inhibited_by, silenced_by=row.silenced_by,
    )  # fmt: skip


def _telling(row: Row[Any]) -> Telling:
    return Telling(thread=row.thread, state=Seen(row.state), told_at=row.told_at)


@dataclass(slots=True)
class _Group:
    """A notice that is held, as it is put together."""

    id: str
    channel: str
    kind: NoticeKind
    rule: str
    topic: str
    thread: str
    dedup: str
    due_at: datetime
    severity: Severity
    items: list[Item] = field(default_factory=list)
    count: int = 0
    is_new: bool = False
    is_changed: bool = False

    def add(self, item: Item) -> None:
        """Tell of one more."""
        self.count += 1
        self.severity = worst([self.severity, item.severity])
        self.is_changed = True
        if len(self.items) < LISTED:
            self.items.append(item)

    def take_out(self, incident: str) -> None:
        """Tell of one less."""
        self.count -= 1
        self.is_changed = True
        self.items = [each for each in self.items if each.incident != incident]


class _Desk:
    """Where a batch is put together, and written at its end."""

    def __init__(self, connection: Connection, now: datetime, new_id: NewId) -> None:
        self._connection = connection
        self._now = now
        self._new_id = new_id
        query = select(*SHOWN).where(channels.c.enabled == 1).order_by(channels.c.name)
        self._channels = {row.id: channel_of(row) for row in connection.execute(query)}
        self._groups: dict[tuple[str, str], _Group | None] = {}
        """By channel and topic; None where none is held."""
        self._known: dict[tuple[str, str], Telling] = {}
        self._tellings: dict[tuple[str, str], dict[str, Any]] = {}

    def recall(self, of: Iterable[str]) -> None:
        """Learn what the channels know of those incidents."""
        query = select(tellings).where(among(self._connection, tellings.c.incident, list(of)))
        for row in self._connection.execute(query):
            self._known[row.channel, row.incident] = _telling(row)

    def hear(self, incident: Incident, change: Row[Any]) -> None:
        """Hold a change against every channel."""
        what = CHANGES[Change(change.what)]
        item = item_of(incident, what, change.at, change.by, change.note)
        hear = hearers(self._channels.values(), incident)
        for channel in self._channels.values():
            known = self._known.get((channel.id, incident.id))
            step = follow(channel, incident, what, known, self._now, hears=channel.id in hear)
            if step is not None and not self._is_untold(channel, incident, step):
                self._take(channel, incident, step, item, change.number)

    def look_again(self, row: Row[Any], found: Incident | None) -> None:
        """Look at a telling whose moment has come."""
        channel, known = self._channels[row.channel], _telling(row)
        step = remind(channel, found, known, self._now)
        if found is None or step.tells is None:
            self._note(row.channel, row.incident, row.rule, known, step)
            return
        self._take(channel, found, step, item_of(found, step.tells, self._now), self._moment)

    def escalate(self, row: Row[Any], found: Incident | None) -> None:
        """Tell the other channel."""
        wanted = self._channels[row.channel].options.escalate_to
        other = next((each for each in self._channels.values() if each.name == wanted), None)
        if found is None or other is None:
            return
        if found.kind is Kind.CHANNEL and found.subject == other.name:
            return
        step = escalated(found, _telling(row), self._now)
        if step is not None:
            item = item_of(found, Tells.ESCALATED, self._now)
            self._take(other, found, step, item, self._moment)

    @property
    def _moment(self) -> int:
        """What tells one reminder from the next."""
        return int(self._now.timestamp())

    def _is_untold(self, channel: Channel, incident: Incident, step: Step) -> bool:
        """Whether it is over before it was told: then nobody hears of it."""
        known = self._known.get((channel.id, incident.id))
        if step.state is not Seen.CLOSED or known is None or step.next_at is not None:
            return False
        group = self._held_by_id(channel.id, known.thread)
        if group is None:
            return False
        group.take_out(incident.id)
        self._note(channel.id, incident.id, incident.rule, known, Step(state=Seen.CLOSED))
        return True

    def _take(
        self, channel: Channel, incident: Incident, step: Step, item: Item, number: int
    ) -> None:
        known = self._known.get((channel.id, incident.id))
        if step.tells is None:
            assert known is not None  # noqa: S101 - nothing else follows in silence
            self._note(channel.id, incident.id, incident.rule, known, step)
            return
        kind = kind_of(step.tells, known)
        opens = kind in (NoticeKind.OPENING, NoticeKind.ESCALATED)
        thread = None if opens or known is None else known.thread
        group = self._group(channel, kind, item, thread, f"{kind}:{incident.id}:{number}")
        group.add(item)
        told = Telling(thread=group.thread, state=step.state, told_at=self._now)
        self._note(channel.id, incident.id, incident.rule, told, step)

    def _group(
        self, channel: Channel, kind: NoticeKind, item: Item, thread: str | None, dedup: str
    ) -> _Group:
        """The notice that is held for it, or a new one."""
        topic = topic_of(kind, item.rule, thread)
        key = channel.id, topic
        found = self._groups[key] if key in self._groups else self._held(channel.id, topic)
        if found is None:
            own = self._new_id()
            found = _Group(
                id=own, channel=channel.id, kind=kind, rule=item.rule, topic=topic,
                thread=thread or own, dedup=dedup, severity=item.severity, is_new=True,
                due_at=self._due_at(channel, topic, item),
            )  # fmt: skip
        self._groups[key] = found
        return found

    def _due_at(self, channel: Channel, topic: str, item: Item) -> datetime:
        """At once where nobody saw to it so far; else when its group is."""
        options = channel.options
        if item.tells is Tells.ESCALATED:
            return self._now
        due = self._now + options.span("group_wait")
        last = self._connection.scalar(
            select(func.max(notices.c.due_at)).where(
                notices.c.channel == channel.id, notices.c.topic == topic
            )
        )
        if last is not None:
            due = max(due, min(last, self._now) + options.span("group_interval"))
        return told_at(options, item.severity, due)

    def _held(self, channel: str, topic: str) -> _Group | None:
        return self._load(and_(notices.c.channel == channel, notices.c.topic == topic))

    def _held_by_id(self, channel: str, notice: str) -> _Group | None:
        for group in self._groups.values():
            if group is not None and group.id == notice:
                return group
        found = self._load(and_(notices.c.channel == channel, notices.c.id == notice))
        if found is not None:
            self._groups[channel, found.topic] = found
        return found

    def _load(self, where: Any) -> _Group | None:
        held = notices.c.state == str(NoticeState.HELD)
        row = self._connection.execute(select(notices).where(where, held)).first()
        if row is None:
            return None
        return _Group(
            id=row.id, channel=row.channel, kind=NoticeKind(row.kind), rule=row.rule,
            topic=row.topic, thread=row.thread, dedup=row.dedup, due_at=row.due_at,
            severity=Severity(row.severity), items=list(read_items(row.items)),
            count=row._mapping["count"],
        )  # fmt: skip

    def _note(self, channel: str, incident: str, rule: str, told: Telling, step: Step) -> None:
        """How the telling stands from here on: what came of it in this batch counts too."""
        after = replace(told, state=step.state)
        before = self._tellings.get((channel, incident), {})
        is_told, is_seen = step.state is Seen.TOLD, step.state is Seen.SEEN
        self._known[channel, incident] = after
        self._tellings[channel, incident] = {
            "channel": channel, "incident": incident, "rule": rule, "thread": after.thread,
            "state": str(step.state), "told_at": after.told_at, "next_at": step.next_at,
            "seen_at": self._now if is_seen else before.get("seen_at"),
            "escalate_at": (is_told and before.get("escalate_at")) or step.escalate_at,
        }  # fmt: skip

    def flush(self) -> None:
        """Write what came of it."""
        for group in self._groups.values():
            if group is None or not group.is_changed:
                continue
            if not group.is_new:
                changed = update(notices).where(notices.c.id == group.id)
                self._connection.execute(changed.values(**_changed(group, self._now)))
            elif group.count:
                self._connection.execute(insert(notices).values(**_new(group, self._now)))
        if self._tellings:
            _write_tellings(self._connection, list(self._tellings.values()))


def _new(group: _Group, now: datetime) -> dict[str, Any]:
    return {
        "id": group.id, "channel": group.channel, "dedup": group.dedup, "kind": str(group.kind),
        "rule": group.rule, "severity": str(group.severity), "topic": group.topic,
        "thread": group.thread, "state": str(NoticeState.HELD), "made_at": now,
        "due_at": group.due_at, "attempts": 0, "count": group.count, "items": _items(group),
    }  # fmt: skip


def _changed(group: _Group, now: datetime) -> dict[str, Any]:
    said = {"count": group.count, "items": _items(group), "severity": str(group.severity)}
    if group.count:
        return said
    over = {"state": str(NoticeState.DROPPED), "settled_at": now}
    return said | over | {"why": "it was over before it was told"}


def _items(group: _Group) -> str:
    return encode(group.items).decode()


def _write_tellings(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    asked = make(tellings)
    # Who has seen to it once has, whatever came after.
    said = asked.excluded
    seen_at = func.coalesce(tellings.c.seen_at, said.seen_at)
    # Being told again puts off no escalation.
    escalate_at = case(
        (said.state == str(Seen.TOLD), func.coalesce(tellings.c.escalate_at, said.escalate_at))
    )
    new: dict[str, Any] = {
        name: said[name] for name in ("rule", "thread", "state", "told_at", "next_at")
    }
    upsert = asked.on_conflict_do_update(
        index_elements=[tellings.c.channel, tellings.c.incident],
        set_=new | {"seen_at": seen_at, "escalate_at": escalate_at},
    )
    connection.execute(upsert, list(rows))
