"""Channels, cold. Where they lead comes and goes sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from onbeat.domain.channels import Channel, ChannelKind, Options
from onbeat.domain.errors import Conflict, NotFound
from onbeat.domain.notices import UNSETTLED, NoticeState
from onbeat.store.declaring import be_alone
from onbeat.store.payloads import encode
from onbeat.store.schema import channels, notice_attempts, notices, tellings

MOST = 50
"""Channels: each change of an incident is held against every one of them."""

_read = msgspec.json.Decoder(Options).decode
SHOWN = [column for column in channels.c if column.name != "sealed"]


def create(connection: Connection, now: datetime, *, channel: Channel, sealed: str) -> Channel:
    """Keep a channel. Raises Conflict where its name is taken, or there are too many."""
    be_alone(connection, "channels")
    names = set(connection.scalars(select(channels.c.name)))
    if channel.name in names:
        raise Conflict(f"there is a channel {channel.name} already; edit it, or give another name")
    if len(names) >= MOST:
        raise Conflict(f"there are {MOST} channels, which is the most; remove one")
    connection.execute(
        insert(channels).values(
            id=channel.id, name=channel.name, kind=str(channel.kind), target=channel.target,
            sealed=sealed, options=_written(channel.options), enabled=1, created_at=now,
            changed_at=now,
        )
    )  # fmt: skip
    return find(connection, now, channel.name)


def find(connection: Connection, now: datetime, name: str) -> Channel:
    """The channel of that name. Raises NotFound."""
    row = connection.execute(select(*SHOWN).where(channels.c.name == name)).first()
    if row is None:
        raise NotFound(f"no channel {name}", "channels")
    return channel_of(row)


def list_channels(connection: Connection, now: datetime) -> list[Channel]:
    """All of them, by name."""
    query = select(*SHOWN).order_by(channels.c.name)
    return [channel_of(row) for row in connection.execute(query)]


def sealed_of(connection: Connection, now: datetime, channel: str) -> str:
    """Where the channel of that id leads, sealed. Raises NotFound."""
    sealed = connection.scalar(select(channels.c.sealed).where(channels.c.id == channel))
    if sealed is None:
        raise NotFound(f"no channel {channel}", "channels")
    return str(sealed)


def change(
    connection: Connection,
    now: datetime,
    name: str,
    *,
    options: Options | None = None,
    sealed: str | None = None,
    target: str | None = None,
) -> Channel:
    """Change what is given. Raises NotFound."""
    before = find(connection, now, name)
    values: dict[str, Any] = {}
    if options is not None and options != before.options:
        values["options"] = _written(options)
    if sealed is not None:
        values |= {"sealed": sealed, "target": target}
    if not values:
        return before
    values |= {"changed_at": now, "fault": None, "fault_at": None, "not_before": None}
    _set(connection, before.id, values)
    return find(connection, now, name)


def enable(connection: Connection, now: datetime, name: str) -> Channel:
    """Tell it what happens from now on. Raises NotFound."""
    before = find(connection, now, name)
    if before.enabled:
        return before
    values = {"enabled": 1, "disabled_at": None, "disabled_why": None, "fault": None,
              "fault_at": None, "not_before": None, "changed_at": now}  # fmt: skip
    _set(connection, before.id, values)
    return find(connection, now, name)


def disable(connection: Connection, now: datetime, name: str, why: str) -> Channel:
    """Tell it nothing more, also not what waits. Raises NotFound."""
    before = find(connection, now, name)
    if before.enabled:
        close(connection, now, before.id, why)
    return find(connection, now, name)


def close(connection: Connection, now: datetime, channel: str, why: str) -> None:
    """Disable the channel of that id, and drop what waits for it."""
    values = {"enabled": 0, "disabled_at": now, "disabled_why": why, "changed_at": now}
    _set(connection, channel, values)
    waits = (notices.c.channel == channel) & notices.c.state.in_(map(str, UNSETTLED))
    dropped = {"state": str(NoticeState.DROPPED), "settled_at": now, "token": None,
               "why": "the channel was disabled"}  # fmt: skip
    connection.execute(update(notices).where(waits).values(**dropped))


def fault(connection: Connection, now: datetime, channel: str, what: str | None) -> None:
    """Show what is wrong with it, or that nothing is any more."""
    _set(connection, channel, {"fault": what, "fault_at": None if what is None else now})


def wait_until(connection: Connection, channel: str, moment: datetime) -> None:
    """Send nothing there before."""
    _set(connection, channel, {"not_before": moment})


def remove(connection: Connection, now: datetime, name: str) -> None:
    """Take a channel away, with what it was told. Raises NotFound."""
    found = find(connection, now, name).id
    own = select(notices.c.id).where(notices.c.channel == found)
    connection.execute(delete(notice_attempts).where(notice_attempts.c.notice.in_(own)))
    for table in (notices, tellings):
        connection.execute(delete(table).where(table.c.channel == found))
    connection.execute(delete(channels).where(channels.c.id == found))


def unsettled(connection: Connection, now: datetime) -> Mapping[str, int]:
    """How many notices wait, by the id of their channel."""
    query = select(notices.c.channel, func.count()).where(
        notices.c.state.in_(map(str, UNSETTLED))
    ).group_by(notices.c.channel)  # fmt: skip
    return {row[0]: row[1] for row in connection.execute(query)}


def channel_of(row: Row[Any]) -> Channel:
    """A channel of its row."""
    return Channel(
        id=row.id,
        name=row.name,
        kind=ChannelKind(row.kind),
        target=row.target,
        options=_read(row.options),
        enabled=bool(row.enabled),
        created_at=row.created_at,
        changed_at=row.changed_at,
        disabled_at=row.disabled_at,
        disabled_why=row.disabled_why,
        fault=row.fault,
        fault_at=row.fault_at,
        not_before=row.not_before,
    )


def _set(connection: Connection, channel: str, values: Mapping[str, Any]) -> None:
    connection.execute(update(channels).where(channels.c.id == channel).values(**values))


def _written(options: Options) -> str:
    return encode(options).decode()
