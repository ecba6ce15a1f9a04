"""Rules and silences, cold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from onbeat.domain.default_rules import DEFAULTS, read_rule
from onbeat.domain.errors import Conflict, InvalidInput, NotFound
from onbeat.domain.incidents import Kind, Severity
from onbeat.domain.patterns import check_name, check_named
from onbeat.domain.rules import Condition, Limits, Rule, Selector
from onbeat.domain.silences import Matcher, Silence, Windows
from onbeat.store.cleaning import AT_ONCE, Walk
from onbeat.store.declaring import be_alone
from onbeat.store.payloads import encode
from onbeat.store.schema import incidents, rules, silences

MOST = 500
"""Rules that there may be, and silences that are to come or hold."""

_limits = msgspec.json.Decoder(Limits).decode
_selector = msgspec.json.Decoder(Selector).decode
_matcher = msgspec.json.Decoder(Matcher).decode
_windows = msgspec.json.Decoder(Windows).decode
MICROSECOND = timedelta(microseconds=1)


def list_rules(connection: Connection, now: datetime) -> list[Rule]:
    """All rules by their names: those that come with Onbeat as they were changed, and others."""
    stored = {row.name: _rule(row) for row in connection.execute(select(rules))}
    return [rule for _, rule in sorted({**DEFAULTS, **stored}.items())]


def check_rules(connection: Connection, now: datetime, patterns: Iterable[str]) -> None:
    """Raise InvalidInput for a name among the patterns that no rule has."""
    check_named(patterns, {each.name for each in list_rules(connection, now)}, "rules")


def check_rule(connection: Connection, now: datetime, name: str) -> None:
    """Raise InvalidInput for a name that no rule has, nor had while an incident of it was."""
    of_it = select(incidents.c.id).where(incidents.c.rule == name).limit(1)
    known = {each.name for each in list_rules(connection, now)}
    if name not in known and connection.scalar(of_it) is None:
        check_name(name, known, "rule")


def find(connection: Connection, now: datetime, name: str) -> Rule:
    """One rule. Raises NotFound."""
    row = connection.execute(select(rules).where(rules.c.name == name)).first()
    if row is not None:
        return _rule(row)
    if name in DEFAULTS:
        return DEFAULTS[name]
    raise NotFound(f"no rule named {name!r}", "rules")


def save(
    connection: Connection, now: datetime, rule: Rule, by: str, *, must_be_new: bool = False
) -> Rule:
    """Let it be so from the next round on; what changes nothing is no change of it.

    Raises InvalidInput, Conflict where it must be new.
    """
    be_alone(connection)
    wanted = read_rule(rule)
    before = connection.execute(select(rules).where(rules.c.name == rule.name)).first()
    if must_be_new and (before is not None or rule.name in DEFAULTS):
        raise Conflict(f"rule {rule.name!r} is there already; change that one")
    _refuse_other_condition(wanted, before)
    was = DEFAULTS.get(rule.name) if before is None else _rule(before)
    if was is not None and was == replace(
        wanted, version=was.version, changed_at=was.changed_at, changed_by=was.changed_by
    ):
        return was
    if before is None:
        if len(list_rules(connection, now)) >= MOST:
            raise Conflict(f"there are {MOST} rules already; remove one, or let one be of more")
        kept = replace(wanted, version=1, changed_at=now, changed_by=by)
        connection.execute(insert(rules).values(_values(kept)))
    else:
        kept = replace(wanted, version=before.version + 1, changed_at=now, changed_by=by)
        connection.execute(update(rules).where(rules.c.name == rule.name).values(_values(kept)))
    return kept


def _refuse_other_condition(wanted: Rule, before: Row[Any] | None) -> None:
    """What is remembered of a rule, and its incidents, are of one condition."""
    usual = DEFAULTS.get(wanted.name)
    was: tuple[str, str] | None = None
    if before is not None:
        was = before.condition, before.kind
    elif usual is not None:
        was = usual.condition, usual.kind
    if was is not None and was != (wanted.condition, wanted.kind):
        raise InvalidInput("condition", f"{wanted.name} is of {was[0]} of a {was[1]}, and stays "
                           "so; make another rule")  # fmt: skip


def remove(connection: Connection, now: datetime, name: str) -> Rule | None:
    """Take a rule away; one that comes with Onbeat is as it came, and is given. Raises NotFound."""
    be_alone(connection)
    gone = connection.execute(delete(rules).where(rules.c.name == name)).rowcount
    if not gone and name not in DEFAULTS:
        raise NotFound(f"no rule named {name!r}", "rules")
    return DEFAULTS.get(name)


def _rule(row: Row[Any]) -> Rule:
    return Rule(
        name=row.name, condition=Condition(row.condition), kind=Kind(row.kind),
        severity=Severity(row.severity), limits=_limits(row.limits),
        selector=_selector(row.selector), lasts=row.lasts * MICROSECOND,
        open_after=row.open_after, close_after=row.close_after, enabled=bool(row.enabled),
        version=row.version, changed_at=row.changed_at, changed_by=row.changed_by,
    )  # fmt: skip


def _values(rule: Rule) -> dict[str, Any]:
    names = ("name", "condition", "kind", "severity", "open_after", "close_after", "version",
             "changed_at", "changed_by")  # fmt: skip
    values: Mapping[str, Any] = {name: getattr(rule, name) for name in names}
    return {
        **values,
        "limits": encode(rule.limits).decode(),
        "selector": encode(rule.selector).decode(),
        "lasts": rule.lasts // MICROSECOND,
        "enabled": int(rule.enabled),
    }  # fmt: skip


def list_silences(
    connection: Connection, now: datetime, *, with_over: bool = False, before: str | None = None,
    limit: int = MOST,
) -> list[Silence]:  # fmt: skip
    """Those that hold or are to come, the newest first; those that are over too, if asked for."""
    query = select(silences).order_by(silences.c.id.desc()).limit(limit)
    if not with_over:
        query = query.where(silences.c.ends_at > now)
    if before is not None:
        query = query.where(silences.c.id < before)
    return [_silence(row) for row in connection.execute(query)]


def find_silence(connection: Connection, now: datetime, identity: str) -> Silence:
    """One silence. Raises NotFound."""
    row = connection.execute(select(silences).where(silences.c.id == identity)).first()
    if row is None:
        raise NotFound(f"no silence {identity}", "silences")
    return _silence(row)


def add_silence(connection: Connection, now: datetime, made: Silence) -> Silence:
    """Put a silence on record. Raises Conflict where there are too many."""
    if len(list_silences(connection, now)) >= MOST:
        raise Conflict(f"there are {MOST} silences already; end one, or let one be of more")
    connection.execute(insert(silences).values(
        id=made.id, matcher=encode(made.matcher).decode(), reason=made.reason,
        begins_at=made.begins_at, ends_at=made.ends_at, by=made.by, created_at=made.created_at,
        windows=None if made.windows is None else encode(made.windows).decode(),
    ))  # fmt: skip
    return made


def end_silence(connection: Connection, now: datetime, identity: str) -> Silence:
    """Let it be over now. Raises NotFound, Conflict where it is."""
    was = find_silence(connection, now, identity)
    if was.ends_at <= now:
        raise Conflict(f"silence {identity} is over already")
    begins_at = min(was.begins_at, now)
    connection.execute(
        update(silences).where(silences.c.id == identity).values(ends_at=now, begins_at=begins_at)
    )
    return replace(was, ends_at=now, begins_at=begins_at)


def clean_silences(connection: Connection, now: datetime, before: datetime, walk: Walk) -> Walk:
    """Remove those that were over before then."""
    at_once = AT_ONCE[connection.dialect.name]
    old = select(silences.c.id).where(silences.c.ends_at < before)
    found = list(connection.scalars(old.order_by(silences.c.ends_at).limit(at_once)))
    if found:
        connection.execute(delete(silences).where(silences.c.id.in_(found)))
    return Walk(None, walk.seen, walk.removed + len(found), len(found) < at_once)


def _silence(row: Row[Any]) -> Silence:
    return Silence(
        id=row.id, matcher=_matcher(row.matcher), reason=row.reason, begins_at=row.begins_at,
        ends_at=row.ends_at, by=row.by, created_at=row.created_at,
        windows=None if row.windows is None else _windows(row.windows),
    )  # fmt: skip
