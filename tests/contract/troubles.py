"""Incidents as the judge would write them, and channels to tell them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from onbeat.domain.channels import Channel, ChannelKind, read_options
from onbeat.domain.incidents import Change, Facts, Severity, State
from onbeat.domain.notices import Came, Notice, NoticeState, Verdict
from onbeat.store import channels, notices, routing
from onbeat.store.notices import Claim
from onbeat.store.payloads import encode
from onbeat.store.schema import incident_changes, incidents
from onbeat.store.store import Store

SENT = Came(verdict=Verdict.SENT, status=200)


@dataclass
class Troubles:
    """What goes wrong in a store."""

    store: Store

    async def open(self, *names: str, **said: Any) -> list[str]:
        """Incidents of those names are opened; their ids."""
        ids: list[str] = [self.store.new_id() for _ in names]
        work = partial(_open, ids=ids, names=names, said=said)
        await self.store.write(work)
        return ids

    async def change(self, incident: str, what: Change, state: State, **said: Any) -> None:
        """Something happens to an incident."""
        await self.store.write(
            partial(_change, incident=incident, what=what, state=state, said=said)
        )

    async def resolve(self, *ids: str) -> None:
        """They are over."""
        for each in ids:
            await self.change(each, Change.RESOLVED, State.RESOLVED)

    async def acknowledge(self, incident: str) -> None:
        """Somebody sees to it."""
        await self.change(incident, Change.ACKNOWLEDGED, State.ACKNOWLEDGED)


def _open(
    connection: Connection, now: datetime, ids: Sequence[str], names: Sequence[str],
    said: dict[str, Any],
) -> None:  # fmt: skip
    rows = [_row(id_, name, now, said) for id_, name in zip(ids, names, strict=True)]
    connection.execute(insert(incidents), rows)
    made = [
        {"incident": id_, "number": 1, "at": now, "what": "opened", "by": "judge", "routed": 0}
        for id_ in ids
    ]
    connection.execute(insert(incident_changes), made)


def _row(identity: str, name: str, now: datetime, said: dict[str, Any]) -> dict[str, Any]:
    facts = said.get("facts") or Facts(what=f"{name} failed 3 times in a row", since=now)
    return {
        "id": identity, "rule": said.get("rule", "failed"), "kind": said.get("kind", "task"),
        "subject": name, "name": name, "severity": str(said.get("severity", Severity.ERROR)),
        "state": "open", "opened_at": now, "seen_at": now, "seen": 1, "reopened": 0,
        "flapping": int(said.get("flapping", False)), "state_at": now, "state_by": "judge",
        "inhibited_by": said.get("inhibited_by"), "silenced_by": said.get("silenced_by"),
        "facts": encode(facts).decode(),
    }  # fmt: skip


def _change(
    connection: Connection, now: datetime, incident: str, what: Change, state: State,
    said: dict[str, Any],
) -> None:  # fmt: skip
    is_over = state is State.RESOLVED
    connection.execute(
        update(incidents)
        .where(incidents.c.id == incident)
        .values(state=str(state), resolved_at=now if is_over else None, **said)
    )
    last = select(func.max(incident_changes.c.number)).where(
        incident_changes.c.incident == incident
    )
    number = (connection.scalar(last) or 0) + 1
    connection.execute(
        insert(incident_changes).values(
            incident=incident, number=number, at=now, what=str(what), by="ann", routed=0
        )
    )


async def channel(
    store: Store, name: str = "ops", kind: ChannelKind = ChannelKind.SLACK, **options: Any
) -> Channel:
    """A channel that tells each thing by itself, at once, unless told otherwise."""
    plain = {"group_wait": "0s", "group_interval": "0s", "gap": "0s"}
    now = store.timing.now()
    made = Channel(
        id=store.new_id(), name=name, kind=kind, target="somewhere", created_at=now,
        changed_at=now, options=read_options(plain | options), enabled=True,
    )  # fmt: skip
    return await store.write(partial(channels.create, channel=made, sealed="sealed"))


async def routed(store: Store) -> None:
    """All that has happened is routed."""
    while await store.write(partial(routing.route, new_id=store.new_id)):
        pass
    await store.write(partial(routing.remind_again, new_id=store.new_id))
    await store.write(partial(routing.escalate, new_id=store.new_id))


async def claimed(store: Store, busy: Sequence[str] = ()) -> list[Claim]:
    """What is to be sent now."""
    work = partial(notices.claim, kinds=list(ChannelKind), busy=busy, new_id=store.new_id)
    return await store.write(work)


async def told(store: Store, came: Came = SENT) -> list[Notice]:
    """All that is due is routed and sent, and came to that; the notices."""
    await routed(store)
    sent: list[Notice] = []
    while claims := await claimed(store):
        for claim in claims:
            await recorded(store, claim, came)
            sent.append(claim.notice)
    return sent


async def recorded(store: Store, claim: Claim, came: Came = SENT, fault: str | None = None) -> None:
    """An attempt is put on record."""
    work = partial(notices.record, made=claim, came=came, by=store.randomness, fault=fault)
    await store.write(work)


async def found(store: Store, notice: str) -> Notice:
    """The notice as it stands."""
    return await store.read(partial(notices.find, notice=notice))


async def in_state(store: Store, state: NoticeState) -> list[Notice]:
    """All notices in that state."""
    return await store.read(partial(notices.list_notices, state=state, limit=1000))


def kinds(sent: list[Notice]) -> list[str]:
    """What the notices are about."""
    return [str(each.kind) for each in sent]
