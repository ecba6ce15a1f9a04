"""A claim within limits on PostgreSQL.

Rows of the line are locked as by a plain claim, passing by what others have; slots are waited for,
those of queues first and then the others by name, as an ack does: so nobody waits in a circle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from onbeat.domain.granting import Candidate
from onbeat.store.granting import Round, slot_of
from onbeat.store.payloads import encode
from onbeat.store.postgres.conditions import BEGUN, counted_slots
from onbeat.store.postgres.moments import FROM_MICROS, MOMENT, ORDER_KEY
from onbeat.store.postgres.statements import MICROS

_SLOT = f"""
    locked.slot, used, waiting, "full", {MICROS.format("open_at")} AS open_at,
    {MICROS.format("spent_at")} AS spent_at, concurrency, rate, period, burst
"""

QUEUE_SLOTS = f"""
WITH {MOMENT},
locked AS MATERIALIZED (
    SELECT * FROM onbeat_slots
    WHERE slot = ANY (ARRAY(
        SELECT 'queue/' || name || ':'
        FROM jsonb_array_elements_text(CAST(CAST(:queues AS text) AS jsonb)) AS name))
    ORDER BY slot FOR UPDATE
)
SELECT {MICROS.format("moment.at")} AS now, {_SLOT}
FROM moment LEFT JOIN locked ON true LEFT JOIN onbeat_limits AS limits ON limits.name = "limit"
"""

# Those that should have begun by now hide nobody who stands behind them.
_IS_IN_TIME = """NOT EXISTS (
              SELECT FROM onbeat_deadlines
              WHERE onbeat_deadlines.job = {}.job AND expires_at <= (SELECT at FROM moment))"""

_HEAD = f"""
WITH {MOMENT},
served AS MATERIALIZED (
    SELECT told.value ->> 0 AS queue, CAST(told.value ->> 1 AS integer) AS room, position
    FROM jsonb_array_elements(CAST(CAST(:lines AS text) AS jsonb))
        WITH ORDINALITY AS told(value, position)
    WHERE EXISTS (SELECT FROM onbeat_sessions
                  WHERE id = CAST(CAST(:session AS text) AS uuid) AND ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM onbeat_queues
                      WHERE onbeat_queues.name = told.value ->> 0 AND paused_at IS NOT NULL)
),
lines AS MATERIALIZED (
    SELECT queue, CAST(lane AS smallint) AS lane, room,
           coalesce(CAST(floors.value -> queue ->> CAST(lane AS text) AS bigint), 0) AS floor
    FROM generate_series(0, 10) AS lane, served,
         CAST(CAST(:floors AS text) AS jsonb) AS floors(value)
    ORDER BY lane, position
),
picked AS MATERIALIZED (
    SELECT line.*
    FROM lines CROSS JOIN LATERAL (
        SELECT ready.ctid AS place, job, queue, lane, order_key, attempt, losses,
               CAST(NULL AS text) AS held_by
        FROM onbeat_ready AS ready
        WHERE ready.queue = lines.queue AND ready.lane = lines.lane
          AND ready.order_key >= lines.floor AND {_IS_IN_TIME.format("ready")}
        ORDER BY ready.order_key, ready.job
        LIMIT lines.room FOR UPDATE SKIP LOCKED
    ) AS line
    LIMIT (SELECT CAST(:window AS integer))
)"""

_TIED = """
CASE WHEN tied.value ->> queue IS NULL THEN ties
     ELSE '[' || (tied.value ->> queue) || coalesce(',' || substr(ties, 2), ']') END
"""

# The slots as they are to stand, by name: used, waiting, full, open_at, spent_at.
_CHANGED = f"""
stood AS MATERIALIZED (
    SELECT CAST(CAST(:slots AS text) AS jsonb) AS slots,
           ARRAY(SELECT jsonb_object_keys(CAST(CAST(:slots AS text) AS jsonb))) AS names
),
changed AS (
    UPDATE onbeat_slots
    SET used = CAST((SELECT slots FROM stood) -> slot ->> 0 AS integer),
        waiting = CAST((SELECT slots FROM stood) -> slot ->> 1 AS integer),
        "full" = CAST((SELECT slots FROM stood) -> slot ->> 2 AS smallint),
        open_at = {FROM_MICROS.format("CAST((SELECT slots FROM stood) -> slot ->> 3 AS bigint)")},
        spent_at = {FROM_MICROS.format("CAST((SELECT slots FROM stood) -> slot ->> 4 AS bigint)")}
    WHERE slot = ANY (CAST((SELECT names FROM stood) AS text[]))
)"""

# All of the head of the line, if there is room for all of it, and nobody comes before it who waited
# for a slot that has opened. The room is counted as `Slot.room` does, and taken as by `Slot.take`.
# How many need each slot is one object, looked into by name: joined to a list, each of 1,000 slots
# would be compared with all.
TAKE_HEAD = f"""
{_HEAD},
found AS MATERIALIZED (
    SELECT ready.*, jobs.task, jobs.max_attempts, jobs.args, jobs.options, jobs.occurrence_at,
           jobs.ties
    FROM picked AS ready JOIN onbeat_jobs AS jobs ON jobs.id = ready.job
),
needed AS MATERIALIZED (
    SELECT coalesce(jsonb_object_agg(slot, count), '{{}}') AS counts,
           coalesce(array_agg(slot), '{{}}') AS slots
    FROM (
        SELECT slot, sum(count) AS count
        FROM (
            SELECT slot, count FROM ({counted_slots("found")}) AS of_ties
            UNION ALL
            SELECT name || ':', count
            FROM (SELECT 'queue/' || queue AS name, count(*) AS count FROM found
                  GROUP BY queue) AS lines
            WHERE EXISTS (SELECT FROM onbeat_limits AS limits WHERE limits.name = lines.name)
        ) AS each
        GROUP BY slot
    ) AS counted
),
locked AS MATERIALIZED (
    SELECT slot, "limit", used, open_at, spent_at FROM onbeat_slots
    WHERE slot = ANY (CAST((SELECT slots FROM needed) AS text[]))
    ORDER BY slot NOT LIKE 'queue/%', slot FOR UPDATE
),
bounded AS MATERIALIZED (
    SELECT locked.*, CAST(counts ->> slot AS integer) AS count, concurrency,
           CASE WHEN rate IS NOT NULL
                THEN greatest((period + rate - 1) / rate, 1) * interval '1 microsecond'
           END AS apart,
           coalesce(burst, rate) - 1 AS ahead,
           greatest(spent_at, moment.at) AS spent
    FROM moment, needed, locked LEFT JOIN onbeat_limits AS limits ON limits.name = locked."limit"
),
verdict AS MATERIALIZED (
    SELECT cardinality(slots) = (
               SELECT count(*) FROM bounded, moment
               WHERE open_at <= moment.at
                 AND (concurrency IS NULL OR used + count <= concurrency)
                 AND (apart IS NULL OR spent + (count - 1 - ahead) * apart <= moment.at))
           AND coalesce(opens_at > moment.at, true) AS fits,
           cardinality(slots) AS slots_needed, opens_at,
           EXISTS (SELECT FROM bounded WHERE concurrency IS DISTINCT FROM 1) AS are_shared
    FROM moment, needed, (SELECT min(open_at) AS opens_at FROM onbeat_slots
                          WHERE waiting > 0 AND "full" = 0) AS opening
),
given AS (
    UPDATE onbeat_slots AS slots
    SET used = bounded.used + count,
        "full" = CASE WHEN waiting > 0 AND bounded.used + count >= concurrency THEN 1 ELSE 0 END,
        spent_at = CASE WHEN apart IS NULL THEN slots.spent_at ELSE spent + count * apart END,
        open_at = CASE WHEN spent + (count - ahead) * apart > moment.at
                       THEN greatest(bounded.open_at, spent + (count - ahead) * apart)
                       ELSE bounded.open_at END
    FROM bounded, moment WHERE slots.slot = bounded.slot AND (SELECT fits FROM verdict)
),
-- What was picked is locked: it is deleted for certain, and need not be looked up again.
gone AS (
    DELETE FROM onbeat_ready
    WHERE ctid = ANY (ARRAY(SELECT place FROM found WHERE (SELECT fits FROM verdict)))
),
booked AS MATERIALIZED (
    SELECT nextval('onbeat_leases_token_seq') AS token, found.*,
           CASE WHEN counts -> ('queue/' || queue || ':') IS NULL THEN ties
                ELSE '[' || CAST(to_jsonb('slot:' || 'queue/' || queue || ':') AS text)
                     || coalesce(',' || substr(ties, 2), ']') END AS held
    FROM found, needed WHERE (SELECT fits FROM verdict)
),
leased AS (
    INSERT INTO onbeat_leases (token, job, attempt, session, task, queue, lane, started_at, losses,
                               ties)
    SELECT token, job, attempt + 1, CAST(CAST(:session AS text) AS uuid), task, queue, lane,
           moment.at, losses, held
    FROM booked, moment
),
{BEGUN}
SELECT job, token, task, queue, attempt + 1, max_attempts, CAST(args AS text),
       CAST(options AS text), {MICROS.format("occurrence_at")}, losses, lane, order_key,
       are_shared, fits, slots_needed, {MICROS.format("opens_at")}, {ORDER_KEY} AS now
FROM verdict CROSS JOIN moment LEFT JOIN booked ON true ORDER BY lane, order_key, job
"""

CANDIDATES = f"""
{_HEAD},
opened AS MATERIALIZED (
    SELECT slot, greatest(coalesce(concurrency - used, CAST(:window AS integer)), 0) AS room
    FROM onbeat_slots LEFT JOIN onbeat_limits ON name = "limit"
    WHERE waiting > 0 AND "full" = 0 AND open_at <= (SELECT at FROM moment)
    ORDER BY open_at LIMIT 1000
),
parked AS MATERIALIZED (
    SELECT held.*
    FROM opened CROSS JOIN served CROSS JOIN LATERAL (
        SELECT job, queue, lane, order_key, slot AS held_by
        FROM onbeat_blocked AS blocked
        WHERE blocked.slot = opened.slot AND blocked.queue = served.queue
          AND {_IS_IN_TIME.format("blocked")}
        ORDER BY lane, order_key, job
        LIMIT opened.room FOR UPDATE SKIP LOCKED
    ) AS held
),
-- Together with its row in the book, or not at all: see CLAIM.
found AS MATERIALIZED (
    SELECT ready.*, jobs.ties
    FROM (
        SELECT job, queue, lane, order_key, held_by FROM picked
        UNION ALL SELECT job, queue, lane, order_key, held_by FROM parked
    ) AS ready
    JOIN onbeat_jobs AS jobs ON jobs.id = ready.job
)
SELECT replace(CAST(job AS text), '-', ''), queue, lane, order_key, ties, held_by,
       EXISTS (SELECT FROM opened) AS has_opened,
       (SELECT {MICROS.format("min(open_at)")} FROM onbeat_slots
        WHERE waiting > 0 AND "full" = 0 AND open_at > (SELECT at FROM moment)) AS opens_at,
       {ORDER_KEY} AS now
FROM moment LEFT JOIN found ON true
"""

SLOTS = f"""
WITH locked AS MATERIALIZED (
    SELECT * FROM onbeat_slots
    WHERE slot = ANY (ARRAY(
        SELECT jsonb_array_elements_text(CAST(CAST(:slots AS text) AS jsonb))))
    ORDER BY slot FOR UPDATE
)
SELECT {_SLOT} FROM locked LEFT JOIN onbeat_limits AS limits ON limits.name = "limit"
"""

MAKE_SLOTS = """
INSERT INTO onbeat_slots (slot, "limit", used, waiting, "full", open_at, spent_at)
SELECT name, split_part(name, ':', 1), 0, 0, 0, timestamptz 'epoch', timestamptz 'epoch'
FROM jsonb_array_elements_text(CAST(CAST(:slots AS text) AS jsonb)) AS name
ORDER BY name
ON CONFLICT (slot) DO NOTHING
"""

TAKE = f"""
WITH {MOMENT},
told AS MATERIALIZED (SELECT CAST(CAST(:rows AS text) AS jsonb) AS rows),
tied AS MATERIALIZED (SELECT CAST(CAST(:tied AS text) AS jsonb) AS value),
wanted AS MATERIALIZED (
    SELECT row.* FROM told, jsonb_to_recordset(rows -> 'taken') AS row(
        job uuid, place integer)
),
waits AS MATERIALIZED (
    SELECT row.* FROM told, jsonb_to_recordset(rows -> 'parked') AS row(
        job uuid, slot text, reason text, is_held smallint)
),
{_CHANGED},
from_line AS (
    DELETE FROM onbeat_ready WHERE job = ANY (ARRAY(SELECT job FROM wanted))
    RETURNING job, attempt, queue, lane, order_key, losses
),
from_blocked AS (
    DELETE FROM onbeat_blocked WHERE job = ANY (ARRAY(SELECT job FROM wanted))
    RETURNING job, attempt, queue, lane, order_key, losses
),
made_way AS (
    DELETE FROM onbeat_ready WHERE job = ANY (ARRAY(SELECT job FROM waits WHERE is_held = 0))
    RETURNING job, attempt, queue, lane, order_key, losses
),
parked AS (
    INSERT INTO onbeat_blocked (job, queue, lane, attempt, reason, since_at, losses, slot,
                                order_key)
    SELECT made_way.job, queue, lane, attempt, waits.reason, moment.at, losses, waits.slot,
           order_key
    FROM made_way JOIN waits USING (job), moment
),
moved AS (
    UPDATE onbeat_blocked AS blocked SET slot = waits.slot, reason = waits.reason
    FROM waits WHERE waits.is_held = 1 AND blocked.job = waits.job
),
booked AS MATERIALIZED (
    SELECT nextval('onbeat_leases_token_seq') AS token, whole.*, {_TIED} AS held
    FROM (
        SELECT gone.*, wanted.place, jobs.task, jobs.max_attempts, jobs.args, jobs.options,
               jobs.occurrence_at, jobs.ties
        FROM (SELECT * FROM from_line UNION ALL SELECT * FROM from_blocked) AS gone
        JOIN wanted USING (job) JOIN onbeat_jobs AS jobs ON jobs.id = gone.job
    ) AS whole, tied
),
leased AS (
    INSERT INTO onbeat_leases (token, job, attempt, session, task, queue, lane, started_at, losses,
                               ties)
    SELECT token, job, attempt + 1, CAST(CAST(:session AS text) AS uuid), task, queue, lane,
           moment.at, losses, held
    FROM booked, moment
),
{BEGUN}
SELECT job, token, task, queue, attempt + 1, max_attempts, CAST(args AS text),
       CAST(options AS text), {MICROS.format("occurrence_at")}, losses, lane, order_key
FROM booked ORDER BY place
"""

Fetch = Callable[..., Awaitable[list[Any]]]
"""Runs a statement on the connection of the transaction."""


async def take_head(fetch: Fetch, session: str, look: Round, floors: str) -> list[Any]:
    """The rows of the jobs at the head of the line, which were leased; none where not all had room.

    One statement, so that slots are not locked while it is on its way: with four of them, claims
    and acks of one slot waited for each other, and a quarter of the speed was gone.
    """
    lines = _text([(queue, look.wanted, None) for queue in look.queues])
    rows = await fetch(TAKE_HEAD, session=session, lines=lines, window=look.wanted, floors=floors)
    *_, look.are_shared, look.has_fit, look.slots_needed, look.opens_at, look.now = rows[0]
    return [row for row in rows if row[0] is not None]


async def take_within_limits(fetch: Fetch, session: str, look: Round, floors: str) -> list[Any]:
    """The rows of the jobs that were leased.

    Runs inside a transaction of the caller's.
    """
    told = await fetch(QUEUE_SLOTS, queues=_text(look.queues))
    look.now = told[0][0]
    look.slots = {row[1]: slot_of(row[1:]) for row in told if row[1] is not None}
    lines = look.lines()
    asked = {
        "session": session, "lines": _text(lines), "window": look.window, "floors": floors
    }  # fmt: skip
    tied = _text({queue: tied for queue, _, tied in lines if tied is not None})
    rows = await fetch(CANDIDATES, **asked)
    *_, look.has_opened, look.opens_at, look.now = rows[0]
    names = look.see(Candidate(*row[:6]) for row in rows if row[0] is not None)
    look.slots |= await _locked(fetch, names)
    granted = look.decide()
    if not granted.taken and not granted.parked:
        return []
    decided = _text({"taken": look.taken(granted), "parked": look.parked(granted)})
    return await fetch(TAKE, session=session, rows=decided, slots=_slots_text(look), tied=tied)


async def _locked(fetch: Fetch, names: list[str]) -> dict[str, Any]:
    """The slots of those names, locked; made where nobody has needed them before."""
    if not names:
        return {}
    rows = await fetch(SLOTS, slots=_text(names))
    if len(rows) < len(names):
        await fetch(MAKE_SLOTS, slots=_text(names))
        rows = await fetch(SLOTS, slots=_text(names))
    return {row[0]: slot_of(row) for row in rows}


def _slots_text(look: Round) -> str:
    return _text({name: row for name, *row in map(msgspec.structs.astuple, look.changed())})


def _text(value: Any) -> str:
    return encode(value).decode()
