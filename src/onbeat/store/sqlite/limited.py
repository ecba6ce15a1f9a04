"""A claim within limits on SQLite, in the one writer's transaction."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from onbeat.domain.granting import Candidate, Granted, Slot
from onbeat.store.granting import Round, slot_of
from onbeat.store.payloads import encode
from onbeat.store.sqlite.held_slots import counted_slots
from onbeat.store.sqlite.statements import LANES

IS_BOUND = """
SELECT (SELECT min(open_at) FROM onbeat_slots WHERE waiting > 0 AND "full" = 0),
       EXISTS (SELECT 1 FROM json_each(:queues) AS lines
               JOIN onbeat_limits ON name = 'queue/' || lines.value)
"""

LEFT_BEHIND = f"""
SELECT EXISTS (
    SELECT 1 FROM {LANES} AS lanes CROSS JOIN json_each(:queues) AS lines
    CROSS JOIN onbeat_ready AS ready ON ready.queue = lines.value AND ready.lane = lanes.column1
    WHERE NOT EXISTS (
        SELECT 1 FROM onbeat_queues WHERE name = lines.value AND paused_at IS NOT NULL
    )
)
"""

_SLOT = """
json_array(slots.slot, used, waiting, "full", open_at, spent_at, concurrency, rate, period, burst)
"""

QUEUE_SLOTS = f"""
SELECT json_group_array({_SLOT})
FROM json_each(:queues) AS lines
CROSS JOIN onbeat_slots AS slots ON slots.slot = 'queue/' || lines.value || ':'
LEFT JOIN onbeat_limits AS limits ON limits.name = slots."limit"
"""

SLOTS = f"""
SELECT json_group_array({_SLOT})
FROM json_each(:slots) AS named
CROSS JOIN onbeat_slots AS slots ON slots.slot = named.value
LEFT JOIN onbeat_limits AS limits ON limits.name = slots."limit"
"""

MAKE_SLOTS = """
INSERT OR IGNORE INTO onbeat_slots (slot, "limit", used, waiting, "full", open_at, spent_at)
SELECT value, substr(value, 1, instr(value, ':') - 1), 0, 0, 0, 0, 0 FROM json_each(:slots)
"""

_SERVED = """
SELECT key AS position, json_extract(value, '$[0]') AS queue, json_extract(value, '$[2]') AS tied
FROM json_each(:lines)
WHERE EXISTS (SELECT 1 FROM onbeat_sessions WHERE id = :session AND ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM onbeat_queues
                  WHERE name = json_extract(value, '$[0]') AND paused_at IS NOT NULL)
"""

# The head of the line, the same rows whoever asks in this transaction. What is bound within a queue
# is cut off where it is decided: SQLite has no LATERAL.
_HEAD = f"""
SELECT ready.*, served.tied
FROM {LANES} AS lanes
CROSS JOIN ({_SERVED}) AS served
CROSS JOIN onbeat_ready AS ready ON ready.queue = served.queue AND ready.lane = lanes.column1
WHERE NOT EXISTS (SELECT 1 FROM onbeat_deadlines WHERE job = ready.job AND expires_at <= :now)
LIMIT :window
"""

PICKED = f"""
SELECT json_group_array(json_array(job, queue, lane, order_key, ties, NULL))
FROM (
    SELECT head.*, jobs.ties
    FROM ({_HEAD}) AS head CROSS JOIN onbeat_jobs AS jobs ON jobs.id = head.job
)
"""

OPENED = f"""
SELECT json_group_array({_SLOT})
FROM (
    SELECT * FROM onbeat_slots WHERE waiting > 0 AND "full" = 0 AND open_at <= :now
    ORDER BY open_at LIMIT 1000
) AS slots
LEFT JOIN onbeat_limits AS limits ON limits.name = slots."limit"
"""

# Of each slot and queue the first few: an argument of json_each may look at what stands before it.
HELD = f"""
SELECT json_group_array(json_array(
    jobs.id, blocked.queue, blocked.lane, blocked.order_key, jobs.ties, blocked.slot))
FROM (
    SELECT first.value AS job, opened.value AS slot
    FROM json_each(:slots) AS opened
    CROSS JOIN ({_SERVED}) AS served
    CROSS JOIN json_each((
        SELECT json_group_array(job) FROM (
            SELECT job FROM onbeat_blocked AS blocked
            WHERE blocked.slot = opened.value AND blocked.queue = served.queue
              AND NOT EXISTS (
                  SELECT 1 FROM onbeat_deadlines WHERE job = blocked.job AND expires_at <= :now)
            ORDER BY lane, order_key, job LIMIT :room
        )
    )) AS first
) AS held
CROSS JOIN onbeat_blocked AS blocked ON blocked.job = held.job
CROSS JOIN onbeat_jobs AS jobs ON jobs.id = held.job
"""

OPENS_AT = """
SELECT min(open_at) FROM onbeat_slots WHERE waiting > 0 AND "full" = 0 AND open_at > :now
"""

_TIES = """
CASE WHEN tied IS NULL THEN jobs.ties
     ELSE '[' || tied || coalesce(',' || substr(jobs.ties, 2), ']') END
"""

_LEASE = f"""
INSERT INTO onbeat_leases (job, attempt, session, task, queue, lane, started_at, losses, ties,
                           order_key)
SELECT head.job, head.attempt + 1, :session, jobs.task, head.queue, head.lane, :now, head.losses,
       {_TIES}, head.order_key
"""

TAKE_HEAD = f"""
{_LEASE} FROM ({_HEAD}) AS head CROSS JOIN onbeat_jobs AS jobs ON jobs.id = head.job
"""

NEEDED = """
CREATE TEMP TABLE IF NOT EXISTS needed (slot TEXT PRIMARY KEY, count INTEGER) WITHOUT ROWID
"""

# What the jobs leased since `last` need.
NEED = f"""
INSERT INTO temp.needed
{counted_slots("(SELECT ties FROM onbeat_leases WHERE token > :last)")}
"""

# The room of a slot as `Slot.room` counts it, and what it becomes by `Slot.take`.
_BOUNDED = """
FROM temp.needed AS needed
LEFT JOIN onbeat_slots AS slots ON slots.slot = needed.slot
LEFT JOIN (
    SELECT name, concurrency, rate, coalesce(burst, rate) AS burst,
           max((period + rate - 1) / rate, 1) AS interval
    FROM onbeat_limits
) AS limits ON limits.name = slots."limit"
"""

IS_SHORT = f"""
SELECT count(*), total(NOT coalesce(
    slots.open_at <= :now
    AND (concurrency IS NULL OR used + count <= concurrency)
    AND (rate IS NULL OR
         (:now + (burst - 1) * interval - max(spent_at, :now)) / interval + 1 >= count),
    0)) > 0
{_BOUNDED}
"""

GIVE = f"""
UPDATE onbeat_slots AS slots
SET used = given.used, "full" = given.is_full, open_at = given.open_at, spent_at = given.spent_at
FROM (
    SELECT slots.slot, used + count AS used,
           waiting > 0 AND concurrency IS NOT NULL AND used + count >= concurrency AS is_full,
           CASE WHEN rate IS NULL THEN spent_at ELSE max(spent_at, :now) + count * interval END
               AS spent_at,
           CASE WHEN rate IS NOT NULL
                 AND max(spent_at, :now) + (count - burst + 1) * interval > :now
                THEN max(open_at, max(spent_at, :now) + (count - burst + 1) * interval)
                ELSE open_at END AS open_at
    {_BOUNDED}
) AS given
WHERE slots.slot = given.slot
"""

GIVEN = "DELETE FROM temp.needed"

TAKE_SOME = f"""
{_LEASE} FROM ({_HEAD}) AS head CROSS JOIN onbeat_jobs AS jobs ON jobs.id = head.job
WHERE head.job IN (SELECT json_extract(value, '$[0]') FROM json_each(:taken))
"""

TAKE_OUT = """
DELETE FROM onbeat_ready WHERE job IN (SELECT job FROM onbeat_leases WHERE token > :last)
"""

TAKE_HELD = (
    f"""
    {_LEASE}
    FROM json_each(:taken) AS told
    CROSS JOIN onbeat_blocked AS head ON head.job = json_extract(told.value, '$[0]')
    CROSS JOIN ({_SERVED}) AS served ON served.queue = head.queue
    CROSS JOIN onbeat_jobs AS jobs ON jobs.id = head.job
    """,
    "DELETE FROM onbeat_blocked WHERE job IN (SELECT job FROM onbeat_leases WHERE token > :last)",
)

PARK = (
    """
    INSERT INTO onbeat_blocked (job, queue, lane, attempt, reason, since_at, losses, slot,
                                order_key)
    SELECT ready.job, ready.queue, ready.lane, ready.attempt, json_extract(told.value, '$[2]'),
           :now, ready.losses, json_extract(told.value, '$[1]'), ready.order_key
    FROM json_each(:parked) AS told
    CROSS JOIN onbeat_ready AS ready ON ready.job = json_extract(told.value, '$[0]')
    WHERE json_extract(told.value, '$[3]') = 0
    """,
    """
    UPDATE onbeat_blocked AS blocked
    SET slot = json_extract(told.value, '$[1]'), reason = json_extract(told.value, '$[2]')
    FROM json_each(:parked) AS told
    WHERE blocked.job = json_extract(told.value, '$[0]') AND json_extract(told.value, '$[3]') = 1
    """,
    """
    DELETE FROM onbeat_ready
    WHERE job IN (SELECT json_extract(value, '$[0]') FROM json_each(:parked))
    """,
)

CHANGE_SLOTS = """
UPDATE onbeat_slots AS slots
SET used = json_extract(told.value, '$[1]'), waiting = json_extract(told.value, '$[2]'),
    "full" = json_extract(told.value, '$[3]'), open_at = json_extract(told.value, '$[4]'),
    spent_at = json_extract(told.value, '$[5]')
FROM json_each(:changed) AS told
WHERE slots.slot = json_extract(told.value, '$[0]')
"""

_candidates = msgspec.json.Decoder(list[Candidate])


def take_within_limits(raw: sqlite3.Connection, asked: dict[str, Any], look: Round) -> int:
    """How many jobs were leased.

    `last` of `asked` is the last token that was given out before, `is_bound` and `opens_at` what
    IS_BOUND gave before the first look.
    """
    look.now = asked["now"]
    if asked["is_bound"]:
        look.slots = _slots(raw, QUEUE_SLOTS, {"queues": _text(look.queues)})
    asked = {**asked, "lines": _text(look.lines()), "window": look.window}
    opened: dict[str, Slot] = {}
    if not look.is_first or asked["opens_at"] is not None:
        opened = _slots(raw, OPENED, asked)
        look.opens_at = raw.execute(OPENS_AT, asked).fetchone()[0]
    if look.may_fit and not opened and (count := _take_all(raw, asked, look)) is not None:
        return count
    return _take_some(raw, asked, look, opened)


def _take_all(raw: sqlite3.Connection, asked: dict[str, Any], look: Round) -> int | None:
    """Lease the head of the line; None, and nothing is done, where not all of it has room."""
    raw.execute(NEEDED)
    raw.execute("SAVEPOINT head")
    count = raw.execute(TAKE_HEAD, asked).rowcount
    raw.execute(TAKE_OUT, asked)
    raw.execute(NEED, asked)
    needed, is_short = raw.execute(IS_SHORT, asked).fetchone()
    if is_short:
        raw.execute("ROLLBACK TO head")
        raw.execute("RELEASE head")
    elif needed:
        raw.execute(GIVE, asked)
        raw.execute(GIVEN)
    look.slots_needed = len(look.slots) + needed
    return None if is_short else count


def _take_some(
    raw: sqlite3.Connection, asked: dict[str, Any], look: Round, opened: dict[str, Slot]
) -> int:
    """Look at each candidate."""
    found = _candidates.decode(_one(raw, PICKED, asked))
    for room, names in _by_room(opened, look).items():
        found += _candidates.decode(_one(raw, HELD, {**asked, "slots": _text(names), "room": room}))
    look.slots |= _made(raw, look.see(found))
    granted = look.decide()
    asked["parked"] = _arrays(look.parked(granted))
    if granted.taken:
        _take(raw, {**asked, "taken": _arrays(look.taken(granted))}, granted)
    if granted.parked:
        for statement in PARK:
            raw.execute(statement, asked)
    if granted.taken or granted.parked:
        raw.execute(CHANGE_SLOTS, {"changed": _arrays(look.changed())})
    return len(granted.taken)


def _take(raw: sqlite3.Connection, asked: dict[str, Any], granted: Granted) -> None:
    """Lease from the line first, then of those that waited for a slot."""
    raw.execute(TAKE_SOME, asked)
    raw.execute(TAKE_OUT, asked)
    if any(each.candidate.held_by is not None for each in granted.taken):
        for statement in TAKE_HELD:
            raw.execute(statement, asked)


def _by_room(opened: dict[str, Slot], look: Round) -> dict[int, list[str]]:
    """The slots that jobs wait for by how many they have room for: often one each."""
    grouped: dict[int, list[str]] = {}
    for slot in opened.values():
        if (room := slot.room(look.now, look.window)) > 0:
            grouped.setdefault(room, []).append(slot.name)
    return grouped


def _made(raw: sqlite3.Connection, names: list[str]) -> dict[str, Slot]:
    """The slots of those names; made where nobody has needed them before."""
    if not names:
        return {}
    slots = _slots(raw, SLOTS, {"slots": _text(names)})
    if len(slots) < len(names):
        raw.execute(MAKE_SLOTS, {"slots": _text(names)})
        slots = _slots(raw, SLOTS, {"slots": _text(names)})
    return slots


def _slots(raw: sqlite3.Connection, statement: str, asked: dict[str, Any]) -> dict[str, Slot]:
    rows = msgspec.json.decode(_one(raw, statement, asked))
    return {row[0]: slot_of(row) for row in rows}


def _arrays(rows: list[Any]) -> str:
    return _text([msgspec.structs.astuple(row) for row in rows])


def _text(value: Any) -> str:
    return encode(value).decode()


def _one(raw: sqlite3.Connection, statement: str, asked: dict[str, Any]) -> str:
    return str(raw.execute(statement, asked).fetchone()[0])
