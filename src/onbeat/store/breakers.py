"""Circuit breakers, cold: their state, and the slot by which they hold jobs back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from onbeat.domain.breakers import (
    CLOSED,
    LIMIT,
    BreakerStanding,
    Observation,
    Rule,
    Standing,
    observe,
    slot_of,
    tripped,
)
from onbeat.domain.errors import NotFound
from onbeat.store.column_types import EPOCH
from onbeat.store.declaring import be_alone
from onbeat.store.schema import breakers, limits, slots
from onbeat.store.texts import storable


def declare(connection: Connection, now: datetime, wanted: Mapping[str, Rule], by: str) -> None:
    """Bring breakers to what code says; an open one stays open."""
    be_alone(connection)
    for name, rule in sorted(wanted.items()):
        said = msgspec.json.encode(rule).decode()
        values = {**_rule_columns(rule), "declared": said}
        before = connection.execute(select(breakers).where(breakers.c.name == name)).first()
        if before is None:
            connection.execute(
                insert(breakers).values(
                    name=name, state="closed", counted=0, changed_at=now, changed_by=by, **values
                )
            )
        elif _rule(before) != rule:
            connection.execute(update(breakers).where(breakers.c.name == name).values(**values))


def observed(
    connection: Connection, now: datetime, name: str, seen: Sequence[tuple[timedelta, str | None]]
) -> tuple[Standing, Standing] | None:
    """Note what attempts say: how long ago each began, and what failed in it, if anything did.

    How the breaker stood before and after; None when no code has declared it.
    """
    row = _locked(connection, name)
    if row is None:
        return None
    before = _standing(row)
    observations = [Observation(now - ago, failure) for ago, failure in seen]
    after = observe(before, _rule(row), observations, now)
    if after != before:
        _write(connection, now, name, _rule(row), after, "onbeat")
    return before, after


def trip(connection: Connection, now: datetime, name: str, by: str) -> BreakerStanding:
    """Open it by hand. Raises NotFound."""
    row = _found(_locked(connection, name), name)
    rule = _rule(row)
    _write(connection, now, name, rule, tripped(rule, now, f"opened by {by}"), by)
    return find(connection, now, name)


def close(connection: Connection, now: datetime, name: str, by: str) -> BreakerStanding:
    """Close it by hand: jobs begin at once. Raises NotFound."""
    row = _found(_locked(connection, name), name)
    _write(connection, now, name, _rule(row), CLOSED, by)
    return find(connection, now, name)


def find(connection: Connection, now: datetime, name: str) -> BreakerStanding:
    """One breaker. Raises NotFound."""
    row = connection.execute(_all().where(breakers.c.name == name)).first()
    return _shown(_found(row, name), now)


def list_breakers(connection: Connection, now: datetime) -> list[BreakerStanding]:
    """All breakers in order of name."""
    return [_shown(row, now) for row in connection.execute(_all().order_by(breakers.c.name))]


def _all() -> Any:
    slot = LIMIT + breakers.c.name + ":"
    waiting = select(slots.c.waiting).where(slots.c.slot == slot).scalar_subquery()
    return select(breakers, waiting.label("waiting"))


def _locked(connection: Connection, name: str) -> Row[Any] | None:
    query = select(breakers).where(breakers.c.name == name).with_for_update()
    return connection.execute(query).first()


def _found(row: Row[Any] | None, name: str) -> Row[Any]:
    if row is None:
        raise NotFound(f"no breaker named {name!r}", "breakers")
    return row


def _write(
    connection: Connection, now: datetime, name: str, rule: Rule, standing: Standing, by: str
) -> None:
    is_open = standing.opened_at is not None
    connection.execute(
        update(breakers)
        .where(breakers.c.name == name)
        .values(
            state="open" if is_open else "closed", counted=standing.counted,
            opened_at=standing.opened_at, open_until=standing.open_until,
            reason=None if standing.reason is None else storable(standing.reason),
            changed_at=now, changed_by=by,
        )
    )  # fmt: skip
    _hold_back(connection, now, name, rule, standing)


def _hold_back(
    connection: Connection, now: datetime, name: str, rule: Rule, standing: Standing
) -> None:
    """Shut the slot until then, and narrow it to the probes; or let it be as wide as it was."""
    limit, slot = f"{LIMIT}{name}", slot_of(name)
    connection.execute(delete(limits).where(limits.c.name == limit))
    if standing.opened_at is not None:
        connection.execute(
            insert(limits).values(
                name=limit, concurrency=rule.probes, changed_at=now, changed_by="onbeat"
            )
        )
    put = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    shut = {"full": 0, "open_at": standing.open_until or EPOCH}
    made = put(slots).values(slot=slot, limit=limit, used=0, waiting=0, spent_at=EPOCH, **shut)
    # A claim may make it in this moment.
    connection.execute(made.on_conflict_do_update(index_elements=[slots.c.slot], set_=shut))


def _rule_columns(rule: Rule) -> dict[str, Any]:
    return {
        "threshold": rule.threshold, "probes": rule.probes,
        "open_for": rule.open_for // timedelta(microseconds=1),
    }  # fmt: skip


def _rule(row: Row[Any]) -> Rule:
    return Rule(row.threshold, timedelta(microseconds=row.open_for), row.probes)


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        counted=row.counted, opened_at=row.opened_at, open_until=row.open_until, reason=row.reason
    )


def _shown(row: Row[Any], now: datetime) -> BreakerStanding:
    standing = _standing(row)
    return BreakerStanding(
        name=row.name,
        rule=_rule(row),
        standing=standing,
        state=standing.state(now),
        waiting=row.waiting or 0,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )
