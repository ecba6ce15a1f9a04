"""The hot statements on PostgreSQL: one each, set-based, with one JSON text as their rows.

`:now` is null in life, meaning the database's own clock, and a moment in tests and simulations.
A job leaves a place by the DELETE and enters the next in the same statement; the row lock on what
is deleted is what makes racing workers see it once. LIMIT … FOR UPDATE SKIP LOCKED stands in a
MATERIALIZED CTE: as a plain subquery a nested loop may run it again and take more than its limit.
What was locked is deleted where it lies (ctid: such rows are never updated), and leases by a list
of tokens: joined to a CTE the planner reads a whole backlog to delete 500 rows of it.
Casts are written CAST(…), never with two colons, so that every driver can take the text.
"""

from __future__ import annotations

from onbeat.store.postgres.conditions import (
    BEGUN,
    FIRED,
    FREED,
    IS_OVERDUE,
    counted_slots,
)
from onbeat.store.postgres.moments import FROM_MICROS, MOMENT, ORDER_KEY

# Lanes, then queues, in that order: LATERAL walks the index of one line after the other, and the
# outer LIMIT stops it, so rows behind are neither read nor locked. A LIMIT by subquery costs the
# same in every plan, so the server soon keeps one: 100 jobs at 8.3 us each, planned anew 11.1.
# Where a slot that jobs wait for is free nothing is taken here: they may be the more urgent ones.
# A line is walked from its floor, or from its start where none is given (see floors.py). The moment
# comes with every row, and in a row of its own when there is no other.
# Tokens are drawn before the insert: to read them back takes a join, which without statistics is
# a nested loop over 1000 x 1000 rows, 98 ms (with them 0.5 us a job).
CLAIM = f"""
WITH {MOMENT},
lines AS MATERIALIZED (
    SELECT name.value AS queue, CAST(lane AS smallint) AS lane,
           coalesce(CAST(floors.value -> name.value ->> CAST(lane AS text) AS bigint), 0) AS floor
    FROM generate_series(0, 10) AS lane, CAST(CAST(:floors AS text) AS jsonb) AS floors(value),
         jsonb_array_elements_text(CAST(CAST(:queues AS text) AS jsonb))
             WITH ORDINALITY AS name(value, position)
    WHERE EXISTS (SELECT FROM onbeat_sessions
                  WHERE id = CAST(CAST(:session AS text) AS uuid) AND ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM onbeat_queues
                      WHERE onbeat_queues.name = name.value AND paused_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM onbeat_limits
                      WHERE onbeat_limits.name = 'queue/' || name.value)
      AND NOT EXISTS (SELECT FROM onbeat_slots
                      WHERE waiting > 0 AND "full" = 0
                        AND open_at <= (SELECT at FROM moment))
    ORDER BY lane, name.position
),
picked AS MATERIALIZED (
    SELECT line.place
    FROM lines CROSS JOIN LATERAL (
        SELECT ready.ctid AS place
        FROM onbeat_ready AS ready
        WHERE ready.queue = lines.queue AND ready.lane = lines.lane
          AND ready.order_key >= lines.floor
        ORDER BY ready.order_key, ready.job
        LIMIT (SELECT CAST(:limit AS integer)) FOR UPDATE SKIP LOCKED
    ) AS line
    LIMIT (SELECT CAST(:limit AS integer))
),
-- Taken together with its row in the book, or not at all: while that row is moved to its partition,
-- a statement that began before does not see it, and the job would be in no place.
taken AS (
    DELETE FROM onbeat_ready AS ready USING onbeat_jobs AS jobs
    WHERE ready.ctid = ANY (ARRAY(SELECT place FROM picked)) AND jobs.id = ready.job
      AND (jobs.ties IS NULL OR jobs.ties NOT LIKE '%"slot:%' AND NOT {IS_OVERDUE})
    RETURNING ready.job, ready.attempt, ready.queue, ready.lane, ready.order_key, ready.losses,
              jobs.task, jobs.max_attempts, jobs.args, jobs.options, jobs.occurrence_at, jobs.ties
),
booked AS MATERIALIZED (
    SELECT nextval('onbeat_leases_token_seq') AS token, taken.* FROM taken
),
leased AS (
    INSERT INTO onbeat_leases (token, job, attempt, session, task, queue, lane, started_at, losses,
                               ties)
    SELECT token, job, attempt + 1, CAST(CAST(:session AS text) AS uuid), task, queue, lane,
           moment.at, losses, ties
    FROM booked, moment
),
{BEGUN}
SELECT job, token, task, queue, attempt + 1, max_attempts, CAST(args AS text),
       CAST(options AS text), CAST(extract(epoch FROM occurrence_at) * 1000000 AS bigint),
       losses, lane, order_key, {ORDER_KEY},
       (SELECT CAST(extract(epoch FROM min(open_at)) * 1000000 AS bigint) FROM onbeat_slots
        WHERE waiting > 0 AND "full" = 0) AS opens_at,
       (SELECT count(*) FROM picked) > (SELECT count(*) FROM taken)
       OR EXISTS (SELECT FROM onbeat_limits WHERE name = ANY (ARRAY(
           SELECT 'queue/' || value
           FROM jsonb_array_elements_text(CAST(CAST(:queues AS text) AS jsonb))))) AS is_limited
FROM moment LEFT JOIN booked ON true
ORDER BY lane, order_key, job
"""

# Most jobs succeed and give nothing back: of these come only the tokens, which is 1.5 us a job less
# than a JSON object each. Without the look whether any schedule waits, each job is looked up: 0.6.
ACK = f"""
WITH {MOMENT},
completed AS (
    SELECT CAST(value AS bigint) AS token
    FROM jsonb_array_elements_text(CAST(CAST(:completed AS text) AS jsonb))
),
told AS MATERIALIZED (
    SELECT DISTINCT ON (token) *
    FROM jsonb_to_recordset(CAST(CAST(:acks AS text) AS jsonb)) AS row(
        token bigint, place text, state text, outcome text, attempt smallint, delay bigint,
        reason text, error jsonb, result jsonb, losses smallint)
),
gone AS (
    DELETE FROM onbeat_leases WHERE token = ANY (ARRAY(
        SELECT token FROM completed UNION ALL SELECT token FROM told))
    RETURNING job, token, attempt AS number, session, task, queue, lane, started_at,
              losses AS before, ties
),
ended AS MATERIALIZED (
    SELECT gone.*, coalesce(told.place, 'finished') AS place,
           coalesce(told.state, 'completed') AS state,
           coalesce(told.outcome, 'succeeded') AS outcome,
           coalesce(told.attempt, number) AS attempt,
           told.delay, told.reason, told.error, told.result, coalesce(told.losses, before) AS losses
    FROM gone LEFT JOIN told USING (token)
),
-- One object, looked into by name: joined to a list, each of 1,000 slots is compared with all.
freed AS MATERIALIZED (
    SELECT jsonb_object_agg(slot, count) AS counts, array_agg(slot) AS slots
    FROM (
        SELECT slot, sum(count) AS count FROM ({counted_slots("gone")}) AS each GROUP BY slot
    ) AS counted
),
-- In the order in which claims take them, those of queues first. Changes that nobody reads are run
-- from the last to the first that is listed: so a slot is locked for as short as can be.
held AS MATERIALIZED (
    SELECT slot FROM onbeat_slots WHERE slot = ANY (CAST((SELECT slots FROM freed) AS text[]))
    ORDER BY slot NOT LIKE 'queue/%', slot FOR UPDATE
),
let_go AS (
    UPDATE onbeat_slots
    SET used = used - CAST((SELECT counts FROM freed) ->> slot AS integer), "full" = 0
    WHERE slot = ANY (ARRAY(SELECT slot FROM held))
),
remembered AS (
    INSERT INTO onbeat_attempts (job, token, finished_at, attempt, session, outcome, started_at,
                                 reason, error, result)
    SELECT job, token, moment.at, number, session, outcome, started_at, reason, error, result -> 0
    FROM ended, moment
),
over AS (
    INSERT INTO onbeat_finished (job, finished_at, task, queue, lane, outcome, attempts, reason)
    SELECT job, moment.at, task, queue, lane, state, attempt, reason FROM ended, moment
    WHERE place = 'finished'
),
later AS (
    INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt, reason, losses)
    SELECT moment.at + coalesce(delay, 0) * interval '1 microsecond', job, queue, lane, attempt,
           reason, losses
    FROM ended, moment WHERE place = 'delayed'
),
again AS (
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt, losses)
    SELECT queue, lane, {ORDER_KEY}, job, attempt, losses FROM ended, moment WHERE place = 'ready'
),
-- Ends that somebody waits for are told with the end itself (store/ends.py).
waited_for AS (
    INSERT INTO onbeat_ends (job, state, at)
    SELECT job, state, moment.at FROM ended, moment
    WHERE ties IS NOT NULL AND ties LIKE '%"ends:"%' AND place = 'finished'
    ON CONFLICT (job) DO UPDATE SET state = excluded.state, at = excluded.at
    RETURNING job
),
{FREED}
rested AS (
    UPDATE onbeat_schedules AS schedules
    SET next_due_at = coalesce(held_due_at,
                               moment.at + after_finish * interval '1 microsecond'),
        awaits_job = NULL
    FROM ended, moment
    WHERE schedules.awaits_job = ended.job AND schedules.awaits_job IS NOT NULL
      AND ended.place = 'finished'
      AND (SELECT true FROM onbeat_schedules WHERE awaits_job IS NOT NULL LIMIT 1)
)
SELECT token, CASE WHEN ties IS NOT NULL AND (SELECT slots IS NOT NULL FROM freed) THEN queue END,
       ties IS NOT NULL AND EXISTS (SELECT FROM waited_for)
FROM ended
"""

# Compared with a scalar, the moment bounds the walk of the index; joined to, it would be a filter
# on every row that waits.
PROMOTE = f"""
WITH {MOMENT},
due AS MATERIALIZED (
    SELECT ctid AS place FROM onbeat_delayed WHERE due_at <= (SELECT at FROM moment)
    ORDER BY due_at, job LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
),
gone AS (
    DELETE FROM onbeat_delayed AS delayed WHERE delayed.ctid = ANY (ARRAY(SELECT place FROM due))
    RETURNING delayed.job, delayed.queue, delayed.lane, delayed.attempt, delayed.losses
),
placed AS (
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt, losses)
    SELECT queue, lane, {ORDER_KEY}, job, attempt, losses FROM gone, moment
)
SELECT count(*) AS count, coalesce(CAST(jsonb_agg(DISTINCT queue) AS text), '[]') AS queues
FROM gone
"""

MICROS = "CAST(extract(epoch FROM {}) * 1000000 AS bigint)"

# Whether the last job has ended is asked by index, one place after the other: as EXISTS it would
# be a hash of the whole backlog.
_DUE = f"""
WITH {MOMENT},
due AS MATERIALIZED (
    SELECT * FROM onbeat_schedules
    WHERE paused_at IS NULL AND broken IS NULL AND {{by_its_clock}}
    ORDER BY next_due_at LIMIT CAST(:limit AS integer) FOR NO KEY UPDATE {{others}}
)
SELECT CAST(id AS text), name, task, queue, CAST(recurrence AS text), catch_up, overlap,
       {MICROS.format("start_at")}, {MICROS.format("end_at")}, "limit", made,
       {MICROS.format("next_due_at")}, jitter, pause_after, failures, skips, skips_by,
       {MICROS.format("held_due_at")}, replace(CAST(last_job AS text), '-', ''),
       last_job IS NOT NULL AND coalesce(
           (SELECT true FROM onbeat_leases WHERE job = last_job LIMIT 1),
           coalesce(
               (SELECT true FROM onbeat_ready WHERE job = last_job LIMIT 1),
               (SELECT true FROM onbeat_delayed WHERE job = last_job LIMIT 1),
               (SELECT true FROM onbeat_blocked WHERE job = last_job LIMIT 1), false)
           AND coalesce(
               (SELECT jobs.task = due.task FROM onbeat_jobs AS jobs
                WHERE jobs.id = last_job LIMIT 1), true)),
       CASE WHEN pause_after IS NOT NULL AND judged_job IS DISTINCT FROM last_job THEN
           (SELECT outcome = 'failed' FROM onbeat_finished
            WHERE job = last_job AND finished_at >= due.last_due_at
            ORDER BY finished_at DESC LIMIT 1) END,
       {MICROS.format("moment.at")}
FROM due, moment
"""

DUE = _DUE.format(
    by_its_clock="clock IS NULL AND next_due_at <= (SELECT at FROM moment)", others="SKIP LOCKED"
)
# Who moves a clock waits for who changes a schedule: it must pass by no moment.
DUE_ON_CLOCK = _DUE.format(
    by_its_clock="clock = :clock AND next_due_at <= CAST(:until AS timestamptz)", others=""
)

FIRE = f"""
WITH {MOMENT},
told AS MATERIALIZED (SELECT CAST(CAST(:rows AS text) AS jsonb) AS rows),
advance AS MATERIALIZED (
    SELECT row.* FROM told, jsonb_to_recordset(rows -> 'schedules') AS row(
        id uuid, made integer, next_due_at bigint, last_due_at bigint, last_job uuid,
        awaits_job uuid, broken text, held_due_at bigint, skips integer, failures integer,
        judged_job uuid, late integer, coalesced integer, skipped integer, missed integer,
        pause text, queue text, route jsonb)
),
moments AS MATERIALIZED (
    SELECT row.* FROM told, jsonb_to_recordset(rows -> 'occurrences') AS row(
        schedule uuid, due_at bigint, outcome text, through_at bigint, job uuid, reason text,
        run_at bigint)
),
advanced AS (
    UPDATE onbeat_schedules AS schedules
    SET next_due_at = {FROM_MICROS.format("advance.next_due_at")},
        last_due_at = coalesce({FROM_MICROS.format("advance.last_due_at")}, schedules.last_due_at),
        made = schedules.made + advance.made,
        last_job = coalesce(advance.last_job, schedules.last_job),
        awaits_job = advance.awaits_job,
        broken = advance.broken,
        held_due_at = {FROM_MICROS.format("advance.held_due_at")},
        skips = greatest(schedules.skips - coalesce(advance.skips, 0), 0),
        failures = coalesce(advance.failures, 0),
        judged_job = coalesce(advance.judged_job, schedules.judged_job),
        late = schedules.late + coalesce(advance.late, 0),
        coalesced = schedules.coalesced + coalesce(advance.coalesced, 0),
        skipped = schedules.skipped + coalesce(advance.skipped, 0),
        missed = schedules.missed + coalesce(advance.missed, 0),
        paused_at = CASE WHEN advance.pause IS NULL THEN schedules.paused_at ELSE moment.at END,
        paused_by = CASE WHEN advance.pause IS NULL THEN schedules.paused_by ELSE 'onbeat' END,
        paused_why = coalesce(advance.pause, schedules.paused_why)
    FROM advance, moment WHERE schedules.id = advance.id
    RETURNING schedules.id, schedules.task, coalesce(advance.queue, schedules.queue) AS queue,
              schedules.lane, schedules.max_attempts, schedules.args, schedules.ties,
              CASE WHEN advance.route IS NULL THEN schedules.options
                   ELSE coalesce(schedules.options, CAST('{{}}' AS jsonb)) || advance.route END
                  AS options
),
recorded AS (
    INSERT INTO onbeat_occurrences (schedule, due_at, outcome, through_at, job, reason, decided_at)
    SELECT schedule, {FROM_MICROS.format("due_at")}, outcome,
           {FROM_MICROS.format("through_at")}, job, reason, moment.at
    FROM moments, moment
    ON CONFLICT (schedule, due_at) DO NOTHING
    RETURNING schedule, due_at, job
),
booked AS (
    INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, options, schedule,
                             occurrence_at, created_at, ties)
    SELECT recorded.job, advanced.task, advanced.queue, advanced.lane, advanced.max_attempts,
           advanced.args, advanced.options, advanced.id, recorded.due_at, moment.at, advanced.ties
    FROM recorded JOIN advanced ON advanced.id = recorded.schedule, moment
    WHERE recorded.job IS NOT NULL
    RETURNING id, queue, lane, ties
),
later AS MATERIALIZED (
    SELECT job, {FROM_MICROS.format("run_at")} AS run_at FROM moments, moment
    WHERE run_at IS NOT NULL AND {FROM_MICROS.format("run_at")} > moment.at
),
waiting AS (
    INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt)
    SELECT later.run_at, id, queue, lane, 0 FROM booked JOIN later ON later.job = booked.id
),
placed AS (
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
    SELECT queue, lane, {ORDER_KEY}, id, 0 FROM booked, moment
    WHERE id <> ALL (ARRAY(SELECT job FROM later))
)
SELECT EXISTS (SELECT FROM booked WHERE ties IS NOT NULL) AS is_any_tied
"""

# After it, in the same transaction, where any of what was made is tied.
SETTLE_FIRED = f"""
WITH {MOMENT},
{FIRED}
"""

NEXT_DUE = """
SELECT (SELECT min(next_due_at) FROM onbeat_schedules
        WHERE paused_at IS NULL AND broken IS NULL AND clock IS NULL
          AND next_due_at IS NOT NULL),
       (SELECT min(due_at) FROM onbeat_delayed),
       (SELECT min(paused_until) FROM onbeat_schedules WHERE paused_until IS NOT NULL),
       (SELECT min(expires_at) FROM onbeat_deadlines),
       EXISTS (SELECT 1 FROM onbeat_backfills WHERE ended_at IS NULL),
       (SELECT true FROM onbeat_ends LIMIT 1) IS NOT NULL,
       coalesce(CAST(:now AS timestamptz), clock_timestamp())
"""

HEARTBEAT = f"""
WITH {MOMENT},
beat AS (
    UPDATE onbeat_sessions
    SET heartbeat_at = moment.at,
        expires_at = moment.at + CAST(:expires_in AS bigint) * interval '1 microsecond'
    FROM moment WHERE id = CAST(CAST(:session AS text) AS uuid) AND ended_at IS NULL
    RETURNING id
)
SELECT (SELECT count(*) FROM beat) AS alive,
       (SELECT coalesce(CAST(jsonb_agg(jsonb_build_array(token, stop_asked)) AS text), '[]')
        FROM onbeat_leases
        WHERE session = CAST(CAST(:session AS text) AS uuid) AND stop_asked IS NOT NULL) AS stops
"""
