"""Notices and the attempts to send them, cold: claimed for a while, sent, and put on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.channels import Channel, ChannelKind
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.incidents import Severity
from onbeat.domain.notices import (
    LISTED,
    UNSETTLED,
    Came,
    Notice,
    NoticeAttempt,
    NoticeKind,
    NoticeState,
    Seen,
    Settled,
    Verdict,
    settle,
    topic_of,
)
from onbeat.domain.retries import Randomness
from onbeat.store import channels as stored
from onbeat.store.among import among
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.declaring import be_alone
from onbeat.store.payloads import encode, micros
from onbeat.store.routing import ALONE, NewId, read_items
from onbeat.store.schema import channels, notice_attempts, notices, tellings

LEASE = timedelta(seconds=90)
"""How long whoever claimed a notice is believed to be sending it: longer than sending may take."""

DROPPED_AT_ONCE = 200
"""Notices over a channel's most in a day that are looked at in one claim."""

UNCOUNTED = (NoticeKind.RESOLVED, NoticeKind.MORE, NoticeKind.TEST)
"""What may be sent over the most in a day: the end of what was told, and that there was more."""

FOLLOWING = (NoticeKind.RESOLVED, NoticeKind.CHANGED, NoticeKind.REPEATED)
"""What belongs to the notice that told of an opening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A notice that is to be sent now, and all that takes."""

    notice: Notice
    channel: Channel
    sealed: str
    """Where the channel leads."""
    token: str
    left: int
    """How many that were told in its thread are open still."""
    unseen: int
    """How many of them nobody has seen to."""


def claim(
    connection: Connection,
    now: datetime,
    *,
    kinds: Collection[ChannelKind],
    busy: Collection[str],
    new_id: NewId,
) -> list[Claim]:
    """The next notice of each channel of those `kinds` that is not `busy`, leased."""
    be_alone(connection, ALONE)
    rested = or_(channels.c.not_before.is_(None), channels.c.not_before <= now)
    of = channels.c.kind.in_(map(str, kinds))
    query = select(channels).where(channels.c.enabled == 1, of, rested).order_by(channels.c.id)
    claimed = []
    for row in connection.execute(query).all():
        if row.id not in busy:
            found = _next(connection, now, stored.channel_of(row), new_id)
            if found is not None:
                claimed.append(_lease(connection, now, row, found, new_id()))
    return claimed


def _next(
    connection: Connection, now: datetime, channel: Channel, new_id: NewId
) -> Row[Any] | None:
    """The notice that is to be sent, when those that are not to be were dropped."""
    if _is_sending(connection, now, channel.id):
        return None
    for _ in range(DROPPED_AT_ONCE):
        head = _head(connection, now, channel.id)
        if head is None:
            return None
        why = _why_not(connection, now, channel, head)
        if why is None:
            return head
        _drop(connection, now, head, why)
        if why is not UNTOLD:
            _count_more(connection, now, head, new_id)
    return None


def _is_sending(connection: Connection, now: datetime, channel: str) -> bool:
    under_way = and_(
        notices.c.channel == channel, notices.c.state == str(NoticeState.SENDING),
        notices.c.lease_until >= now,
    )  # fmt: skip
    return connection.execute(select(notices.c.id).where(under_way).limit(1)).first() is not None


def _head(connection: Connection, now: datetime, channel: str) -> Row[Any] | None:
    opening = notices.alias("opening")
    opens = exists().where(
        opening.c.id == notices.c.thread, opening.c.id != notices.c.id,
        opening.c.state.in_(map(str, UNSETTLED)),
    )  # fmt: skip
    query = select(notices).where(
        notices.c.channel == channel, notices.c.state.in_(map(str, UNSETTLED)),
        notices.c.due_at <= now, ~opens,
    )  # fmt: skip
    return connection.execute(query.order_by(notices.c.due_at, notices.c.id).limit(1)).first()


UNTOLD = "what it belongs to was not told"


def _why_not(connection: Connection, now: datetime, channel: Channel, head: Row[Any]) -> str | None:
    """Why a notice is not to be sent after all."""
    if head.thread != head.id:
        opening = connection.scalar(select(notices.c.state).where(notices.c.id == head.thread))
        if opening == str(NoticeState.DROPPED):
            return UNTOLD
    if head.kind in map(str, UNCOUNTED) or head.attempts:
        return None
    if _sent_since(connection, channel.id, _day(now)) < channel.options.daily:
        return None
    return f"the channel was told {channel.options.daily} times today, which is the most (daily)"


def _day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _sent_since(connection: Connection, channel: str, since: datetime) -> int:
    sent = and_(
        notices.c.channel == channel, notices.c.settled_at >= since,
        notices.c.state == str(NoticeState.SENT),
        notices.c.kind.not_in(map(str, UNCOUNTED)),
    )  # fmt: skip
    return connection.scalar(select(func.count()).select_from(notices).where(sent)) or 0


def _drop(connection: Connection, now: datetime, head: Row[Any], why: str) -> None:
    _set(connection, head.id, {"state": str(NoticeState.DROPPED), "settled_at": now, "why": why})
    if head.thread == head.id:  # nobody heard of its opening, nor is to hear of its end
        told = and_(tellings.c.channel == head.channel, tellings.c.thread == head.thread)
        connection.execute(delete(tellings).where(told))


def _count_more(connection: Connection, now: datetime, head: Row[Any], new_id: NewId) -> None:
    """Count it in the one notice of the day that tells how many more there were."""
    tomorrow = _day(now) + timedelta(days=1)
    more, own = f"more:{_day(now):%Y-%m-%d}", new_id()
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    asked = make(notices).values(
        id=own, channel=head.channel, dedup=more, kind=str(NoticeKind.MORE), rule=head.rule,
        severity=str(Severity.WARNING), topic=more, thread=own, state=str(NoticeState.HELD),
        made_at=now, due_at=tomorrow, attempts=0, count=head._mapping["count"],
        items=encode(read_items(head.items)[:LISTED]).decode(),
    )  # fmt: skip
    again = {"count": notices.c.count + asked.excluded.count}
    connection.execute(
        asked.on_conflict_do_update(index_elements=[notices.c.channel, notices.c.dedup], set_=again)
    )


def _lease(
    connection: Connection, now: datetime, of: Row[Any], head: Row[Any], token: str
) -> Claim:
    leased = {"state": str(NoticeState.SENDING), "token": token, "lease_until": now + LEASE,
              "attempts": head.attempts + 1}  # fmt: skip
    _set(connection, head.id, leased)
    query = select(tellings.c.state, func.count()).where(
        tellings.c.channel == head.channel, tellings.c.thread == head.thread,
        tellings.c.state != str(Seen.CLOSED),
    ).group_by(tellings.c.state)  # fmt: skip
    counts = {row[0]: row[1] for row in connection.execute(query)}
    row = connection.execute(select(notices).where(notices.c.id == head.id)).one()
    return Claim(
        notice=notice_of(row), channel=stored.channel_of(of), sealed=of.sealed, token=token,
        left=sum(counts.values()), unseen=counts.get(str(Seen.TOLD), 0),
    )  # fmt: skip


def record(
    connection: Connection, now: datetime, made: Claim, came: Came, by: Randomness,
    fault: str | None,
) -> Settled | None:  # fmt: skip
    """Put an attempt on record, and what follows of it; None where another has the notice by now.

    `fault` is what was wrong on our side, whether or not it was sent.
    """
    notice, channel = made.notice, made.channel
    if not _still_there(connection, notice.id):
        return None  # its channel was removed meanwhile
    note(connection, now, notice.id, notice.attempts, came)
    settled = settle(channel, notice.attempts, came, now, by)
    if not _settle(connection, now, made, came, settled):
        return None
    if came.verdict is Verdict.GONE:
        stored.close(connection, now, channel.id, came.error or "it takes no more")
        return settled
    if settled.quiet_until is not None:
        stored.wait_until(connection, channel.id, settled.quiet_until)
    shown = "; ".join(each for each in (came.error, fault) if each) or None
    if shown != channel.fault:
        stored.fault(connection, now, channel.id, shown)
    return settled


def _still_there(connection: Connection, notice: str) -> bool:
    return (
        connection.execute(select(notices.c.id).where(notices.c.id == notice)).first() is not None
    )


def _settle(
    connection: Connection, now: datetime, made: Claim, came: Came, settled: Settled
) -> bool:
    """Whether the notice was still ours."""
    is_over = settled.due_at is None
    values: dict[str, Any] = {
        "state": str(settled.state), "token": None, "lease_until": None,
        "settled_at": now if is_over else None, "why": came.error if is_over else None,
    }  # fmt: skip
    if settled.due_at is not None:
        values["due_at"] = settled.due_at
    ours = and_(notices.c.id == made.notice.id, notices.c.token == made.token)
    changed = update(notices).where(ours).values(**values).returning(notices.c.id)
    return connection.execute(changed).first() is not None


def note(connection: Connection, now: datetime, notice: str, number: int, came: Came) -> None:
    """Put an attempt on record."""
    latency = None if came.seconds is None else micros(timedelta(seconds=came.seconds))
    connection.execute(
        insert(notice_attempts).values(
            notice=notice, number=number, at=now, latency=latency, status=came.status,
            error=came.error, answer=came.answer,
        )
    )  # fmt: skip


def record_test(
    connection: Connection, now: datetime, channel: Channel, notice: Notice, came: Came
) -> None:
    """Put a test on record, which was sent once and will not be again."""
    is_sent = came.verdict is Verdict.SENT
    state = NoticeState.SENT if is_sent else NoticeState.FAILED
    connection.execute(
        insert(notices).values(
            id=notice.id, channel=channel.id, dedup=f"test:{notice.id}", kind=str(notice.kind),
            rule=notice.rule, severity=str(notice.severity), topic="test", thread=notice.id,
            state=str(state), made_at=notice.made_at, due_at=notice.due_at, attempts=1,
            settled_at=now, count=notice.count, items=encode(notice.items).decode(),
            why=came.error,
        )
    )  # fmt: skip
    note(connection, now, notice.id, 1, came)


def find(connection: Connection, now: datetime, notice: str) -> Notice:
    """The notice of that id. Raises NotFound."""
    row = connection.execute(select(notices).where(notices.c.id == notice)).first()
    if row is None:
        raise NotFound(f"no notice {notice}", "notices")
    return notice_of(row)


def attempts_of(connection: Connection, now: datetime, notice: str) -> list[NoticeAttempt]:
    """The attempts to send it, the first first."""
    query = select(notice_attempts).where(notice_attempts.c.notice == notice)
    return [_attempt(row) for row in connection.execute(query.order_by(notice_attempts.c.number))]


def list_notices(
    connection: Connection,
    now: datetime,
    *,
    channel: str | None = None,
    state: NoticeState | None = None,
    incident: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Notice]:
    """Notices, the newest first, of that channel, in that state and of that incident, a page at a
    time.
    """
    wanted: list[ColumnElement[bool]] = []
    if incident is not None:
        wanted.append(_of_incident(connection, incident))
    if channel is not None:
        wanted.append(notices.c.channel == channel)
    if state is not None:
        wanted.append(notices.c.state == str(state))
    if before is not None:
        wanted.append(notices.c.id < before)
    query = select(notices).where(*wanted).order_by(notices.c.id.desc()).limit(limit)
    return [notice_of(row) for row in connection.execute(query)]


def _of_incident(connection: Connection, incident: str) -> ColumnElement[bool]:
    """What told that it opened last, and what followed that, by the indexes there are."""
    query = select(tellings.c.channel, tellings.c.thread).where(tellings.c.incident == incident)
    looks: list[ColumnElement[bool]] = [false()]
    for channel, thread in connection.execute(query):
        topics = [topic_of(kind, "", thread) for kind in FOLLOWING]
        looks += [
            notices.c.id == thread,
            and_(notices.c.channel == channel, notices.c.topic.in_(topics)),
        ]
    return or_(*looks)


def resend(connection: Connection, now: datetime, notice: str) -> Notice:
    """Send a notice once more, by the key it had. Raises NotFound, and Conflict where it waits
    already, or its channel is disabled.
    """
    found = find(connection, now, notice)
    if found.state in UNSETTLED:
        raise Conflict(f"notice {notice} is {found.state}: it is sent by itself; wait for it")
    enabled = connection.scalar(select(channels.c.enabled).where(channels.c.id == found.channel))
    if not enabled:
        raise Conflict("its channel is disabled; enable it first (`onbeat channels enable`)")
    again = {"state": str(NoticeState.DUE), "due_at": now, "settled_at": None, "why": None}
    _set(connection, notice, again)
    return find(connection, now, notice)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStats:
    """How a rule is told to a channel."""

    channel: str
    rule: str
    sent: int
    failed: int
    dropped: int
    incidents: int
    """Told in that time."""
    seen: int
    """Of them, how many somebody acknowledged or snoozed."""


def stats(connection: Connection, now: datetime, since: datetime) -> list[RuleStats]:
    """Notices and what was seen to since then, by channel and rule."""
    query = select(channels.c.id, channels.c.name)
    names = {row.id: row.name for row in connection.execute(query)}
    counts: dict[tuple[str, str], dict[str, int]] = {}
    made = select(notices.c.channel, notices.c.rule, notices.c.state, func.count()).where(
        notices.c.made_at >= since, notices.c.kind.not_in(("test", "more"))
    ).group_by(notices.c.channel, notices.c.rule, notices.c.state)  # fmt: skip
    for channel, rule, state, count in connection.execute(made):
        counts.setdefault((channel, rule), {})[state] = count
    told = select(
        tellings.c.channel, tellings.c.rule, func.count(), func.count(tellings.c.seen_at)
    ).where(tellings.c.told_at >= since).group_by(tellings.c.channel, tellings.c.rule)  # fmt: skip
    for channel, rule, count, seen in connection.execute(told):
        counts.setdefault((channel, rule), {}).update(told=count, seen=seen)
    found = [
        _stats(names.get(channel, channel), rule, of) for (channel, rule), of in counts.items()
    ]
    return sorted(found, key=lambda each: (-each.sent, each.channel, each.rule))


def _stats(channel: str, rule: str, of: Mapping[str, int]) -> RuleStats:
    return RuleStats(
        channel=channel, rule=rule, sent=of.get("sent", 0), failed=of.get("failed", 0),
        dropped=of.get("dropped", 0), incidents=of.get("told", 0), seen=of.get("seen", 0),
    )  # fmt: skip


def clean(connection: Connection, now: datetime, before: datetime, walk: Walk) -> Walk:
    """Go a step from the oldest notice on, and remove those of `before` with their attempts."""
    query = select(notices.c.id, notices.c.made_at, notices.c.state).order_by(notices.c.id)
    if walk.after is not None:
        query = query.where(notices.c.id > walk.after)
    at_once = AT_ONCE[connection.dialect.name]
    rows = connection.execute(query.limit(at_once)).all()
    settled = [row.id for row in rows if row.made_at < before and row.state not in UNSETTLED]
    if settled:
        for column in (notice_attempts.c.notice, notices.c.id):
            connection.execute(delete(column.table).where(among(connection, column, settled)))
    old = any(row.made_at < before for row in rows)
    is_over = len(rows) < at_once or not old
    if is_over:  # tellings are few beside notices of their time: at once, at the end
        aged = and_(tellings.c.told_at < before, tellings.c.state == str(Seen.CLOSED))
        connection.execute(delete(tellings).where(aged))
    return Walk(rows[-1].id if rows else None, walk.seen, walk.removed + len(settled), is_over)


def _set(connection: Connection, notice: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(notices).where(notices.c.id == notice).values(**values))


def notice_of(row: Row[Any]) -> Notice:
    """A notice of its row."""
    return Notice(
        id=row.id, channel=row.channel, kind=NoticeKind(row.kind), rule=row.rule,
        severity=Severity(row.severity), thread=row.thread, state=NoticeState(row.state),
        made_at=row.made_at, due_at=row.due_at, attempts=row.attempts,
        count=row._mapping["count"], items=read_items(row.items), settled_at=row.settled_at,
        why=row.why,
    )  # fmt: skip


def _attempt(row: Row[Any]) -> NoticeAttempt:
    return NoticeAttempt(
        notice=row.notice, number=row.number, at=row.at,
        latency=None if row.latency is None else timedelta(microseconds=row.latency),
        status=row.status, error=row.error, answer=row.answer,
    )  # fmt: skip
