"""A claim within limits on SQLite, in the one writer's transaction."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from onbeat.domain.granting import Candidate
from onbeat.store.granting import Round, slot_of
from onbeat.store.payloads import encode
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
SELECT key AS position, json_extract(value, '$[0]') AS queue, json_extract(value, '$[1]') AS room
FROM json_each(:lines)
WHERE EXISTS (SELECT 1 FROM onbeat_sessions WHERE id = :session AND ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM onbeat_queues
                  WHERE name = json_extract(value, '$[0]') AND paused_at IS NOT NULL)
"""

# What is bound within a queue is cut off where it is decided: SQLite has no LATERAL.
PICKED = f"""
SELECT json_group_array(json_array(job, queue, lane, order_key, attempt, losses, ties, NULL))
FROM (
    SELECT ready.job, ready.queue, ready.lane, ready.order_key, ready.attempt, ready.losses,
           jobs.ties
    FROM {LANES} AS lanes
    CROSS JOIN ({_SERVED}) AS served
    CROSS JOIN onbeat_ready AS ready
        ON ready.queue = served.queue AND ready.lane = lanes.column1
    CROSS JOIN onbeat_jobs AS jobs ON jobs.id = ready.job
    LIMIT :window
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

HELD = f"""
SELECT json_group_array(json_array(job, queue, lane, order_key, attempt, losses, ties, slot))
FROM (
    SELECT blocked.job, blocked.queue, blocked.lane, blocked.order_key, blocked.attempt,
           blocked.losses, jobs.ties, blocked.slot
    FROM ({_SERVED}) AS served
    CROSS JOIN onbeat_blocked AS blocked
        ON blocked.slot = :slot AND blocked.queue = served.queue
    CROSS JOIN onbeat_jobs AS jobs ON jobs.id = blocked.job
    ORDER BY blocked.queue, blocked.lane, blocked.order_key LIMIT :room
)
"""

OPENS_AT = """
SELECT min(open_at) FROM onbeat_slots WHERE waiting > 0 AND "full" = 0 AND open_at > :now
"""

TAKE = (
    """
    INSERT INTO onbeat_leases (job, attempt, session, task, queue, lane, started_at, losses, ties)
    SELECT jobs.id, json_extract(told.value, '$[5]'), :session, jobs.task,
           json_extract(told.value, '$[3]'), json_extract(told.value, '$[4]'), :now,
           json_extract(told.value, '$[6]'), json_extract(told.value, '$[1]')
    FROM json_each(:taken) AS told
    CROSS JOIN onbeat_jobs AS jobs ON jobs.id = json_extract(told.value, '$[0]')
    """,
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
    DELETE FROM onbeat_ready WHERE job IN (
        SELECT json_extract(value, '$[0]') FROM json_each(:taken)
        UNION ALL
        SELECT json_extract(value, '$[0]') FROM json_each(:parked)
    )
    """,
    """
    DELETE FROM onbeat_blocked WHERE job IN (
        SELECT json_extract(value, '$[0]') FROM json_each(:taken)
    )
    """,
    """
    UPDATE onbeat_slots AS slots
    SET used = json_extract(told.value, '$[1]'), waiting = json_extract(told.value, '$[2]'),
        "full" = json_extract(told.value, '$[3]'), open_at = json_extract(told.value, '$[4]'),
        spent_at = json_extract(told.value, '$[5]')
    FROM json_each(:changed) AS told
    WHERE slots.slot = json_extract(told.value, '$[0]')
    """,
)

_candidates = msgspec.json.Decoder(list[Candidate])


def take_within_limits(
    raw: sqlite3.Connection, asked: dict[str, Any], look: Round
) -> tuple[int, bool]:
    """How many jobs were leased, and whether some had to make way."""
    look.now = asked["now"]
    look.slots = _slots(raw, QUEUE_SLOTS, {"queues": _text(look.queues)})
    asked = {**asked, "lines": _text(look.lines()), "window": look.window}
    found = _candidates.decode(_one(raw, PICKED, asked))
    for slot in _slots(raw, OPENED, asked).values():
        room = slot.room(look.now, look.window)
        found += _candidates.decode(_one(raw, HELD, {**asked, "slot": slot.name, "room": room}))
    look.opens_at = raw.execute(OPENS_AT, asked).fetchone()[0]
    names = look.see(found)
    look.slots |= _made(raw, names)
    granted = look.decide()
    if not granted.taken and not granted.parked:
        return 0, False
    decided = {
        "taken": _arrays(look.taken(granted)),
        "parked": _arrays(look.parked(granted)),
        "changed": _arrays(look.changed()),
    }
    for statement in TAKE:
        raw.execute(statement, {**asked, **decided})
    return len(granted.taken), bool(granted.parked)


def _made(raw: sqlite3.Connection, names: list[str]) -> dict[str, Any]:
    """The slots of those names; made where nobody has needed them before."""
    if not names:
        return {}
    slots = _slots(raw, SLOTS, {"slots": _text(names)})
    if len(slots) < len(names):
        raw.execute(MAKE_SLOTS, {"slots": _text(names)})
        slots = _slots(raw, SLOTS, {"slots": _text(names)})
    return slots


def _slots(raw: sqlite3.Connection, statement: str, asked: dict[str, Any]) -> dict[str, Any]:
    rows = msgspec.json.decode(_one(raw, statement, asked))
    return {row[0]: slot_of(row) for row in rows}


def _arrays(rows: list[Any]) -> str:
    return _text([msgspec.structs.astuple(row) for row in rows])


def _text(value: Any) -> str:
    return encode(value).decode()


def _one(raw: sqlite3.Connection, statement: str, asked: dict[str, Any]) -> str:
    return str(raw.execute(statement, asked).fetchone()[0])
