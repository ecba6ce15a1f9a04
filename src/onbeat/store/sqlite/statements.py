"""The hot statements on SQLite. Set-based, one JSON text in, one JSON text out.

SQLite has no data-modifying CTEs, so an operation is a few statements in one savepoint of the one
writer. Results come back as one JSON text because the driver lets go of the interpreter's lock
for every row it steps to: 500 rows cost a busy process 500 hand-overs, one text costs one.
Functions of SQLite 3.38 and later (->>, unixepoch) are not used; 3.37 is the oldest supported.
"""

from __future__ import annotations

from onbeat.store.sqlite.held_slots import counted_slots

LAST_JOB = "SELECT coalesce(max(rowid), 0) FROM onbeat_jobs"

ENQUEUE = (
    # The book first: a job that is in it already gets no row, and so no place below. Rows are
    # arrays, 4.0 us a job; as objects, which SQLite searches for every name, 6.3; and with a look
    # into the book for every place, 12.7.
    """
    INSERT OR IGNORE INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, options,
                                       created_at, ties)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
           json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
           json_extract(value, '$[6]'), :now, json_extract(value, '$[7]')
    FROM json_each(:jobs)
    """,
    # `later` holds id, delay and moment of the few that are to wait.
    """
    INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt, reason)
    SELECT max(:now + json_extract(value, '$[1]'), json_extract(value, '$[2]')) AS due,
           jobs.id, jobs.queue, jobs.lane, 0, NULL
    FROM json_each(:later) CROSS JOIN onbeat_jobs AS jobs ON jobs.id = json_extract(value, '$[0]')
    WHERE jobs.rowid > :last AND due > :now
    """,
    """
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
    SELECT queue, lane, :now, id, 0 FROM onbeat_jobs
    WHERE rowid > :last AND id NOT IN (
        SELECT json_extract(value, '$[0]') FROM json_each(:later)
        WHERE max(:now + json_extract(value, '$[1]'), json_extract(value, '$[2]')) > :now
    )
    """,
)

# After the book, for jobs with a unique key, which is their first tie: read from the book 0.4 us a
# job, as arrays of their own 1.2. What was had and is not any more is taken over.
# Cut out of its text where it is of the kind that most are: read as JSON it takes 0.3 us more.
_KEY = """CASE WHEN ties LIKE '["unique:%' THEN substr(ties, 10, 32)
                   ELSE substr(json_extract(ties, '$[0]'), -32) END"""
_HAS_KEY = """(ties LIKE '["unique:%' OR ties LIKE '["waiting:%' OR ties LIKE '["within:%')"""

TAKE_KEYS = f"""
INSERT INTO onbeat_uniques (key, job, expires_at)
SELECT {_KEY}, id, CASE WHEN ties LIKE '["within:%'
                        THEN :now + CAST(substr(json_extract(ties, '$[0]'), 8) AS INTEGER) END
FROM onbeat_jobs WHERE rowid > :last AND {_HAS_KEY}
ON CONFLICT (key) DO UPDATE SET job = excluded.job, expires_at = excluded.expires_at
WHERE onbeat_uniques.expires_at <= :now
"""

REFUSED_KEYS = f"""
SELECT json_group_array(json_array(jobs.id, held.job))
FROM onbeat_jobs AS jobs CROSS JOIN onbeat_uniques AS held ON held.key = {_KEY}
WHERE jobs.rowid > :last AND {_HAS_KEY} AND held.job <> jobs.id
"""

# They were never asked for, as far as anybody can see.
UNBOOK = """
DELETE FROM onbeat_jobs WHERE rowid > :last AND id IN (
    SELECT json_extract(value, '$[0]') FROM json_each(:refused)
)
"""

ANY_TIED = "SELECT EXISTS (SELECT 1 FROM onbeat_jobs WHERE rowid > :last AND ties IS NOT NULL)"

# What becomes of a schedule's jobs whose keys others have: `refused` holds both. They stay on
# record, for their moments have come.
DUPLICATES = (
    """
    INSERT INTO onbeat_finished (job, finished_at, task, queue, lane, outcome, attempts, reason)
    SELECT jobs.id, :now, jobs.task, jobs.queue, jobs.lane, 'cancelled', 0,
           'duplicate of job ' || json_extract(value, '$[1]')
    FROM json_each(:refused) CROSS JOIN onbeat_jobs AS jobs
        ON jobs.id = json_extract(value, '$[0]')
    """,
    *(
        f"""
        DELETE FROM {place} WHERE job IN (
            SELECT json_extract(value, '$[0]') FROM json_each(:refused)
        )
        """
        for place in ("onbeat_ready", "onbeat_delayed")
    ),
    """
    UPDATE onbeat_schedules SET next_due_at = coalesce(held_due_at, :now + after_finish),
           awaits_job = NULL
    WHERE awaits_job IN (SELECT json_extract(value, '$[0]') FROM json_each(:refused))
    """,
)

# The deadlines of a schedule's jobs, which their ties tell.
SET_FIRED_DEADLINES = """
INSERT INTO onbeat_deadlines (job, expires_at)
SELECT jobs.id,
       coalesce((SELECT due_at FROM onbeat_delayed WHERE job = jobs.id), :now)
           + CAST(substr(tie.value, 9) AS INTEGER)
FROM onbeat_jobs AS jobs CROSS JOIN json_each(jobs.ties) AS tie
WHERE jobs.rowid > :last AND jobs.ties LIKE '%"expires:%' AND tie.value LIKE 'expires:%'
  AND NOT EXISTS (SELECT 1 FROM onbeat_finished WHERE job = jobs.id)
"""

# After the jobs are placed, of those with a deadline: counted from when they may begin.
SET_DEADLINES = """
INSERT INTO onbeat_deadlines (job, expires_at)
SELECT jobs.id, coalesce(
    json_extract(value, '$[2]'),
    coalesce((SELECT due_at FROM onbeat_delayed WHERE job = jobs.id), :now)
        + json_extract(value, '$[1]'))
FROM json_each(:deadlines) CROSS JOIN onbeat_jobs AS jobs ON jobs.id = json_extract(value, '$[0]')
WHERE jobs.rowid > :last
"""

LANES = "(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10))"

CLAIM = (
    # Nested loops in the order written (CROSS JOIN keeps it): lanes, then queues, then the
    # index of `ready`. LIMIT stops it at once, so the backlog behind is never looked at.
    f"""
    INSERT INTO onbeat_leases (job, attempt, session, task, queue, lane, started_at, losses, ties,
                               order_key)
    SELECT picked.job, picked.attempt + 1, :session, jobs.task, picked.queue, picked.lane, :now,
           picked.losses, jobs.ties, picked.order_key
    FROM (
        SELECT ready.job, ready.attempt, ready.queue, ready.lane, ready.losses, ready.order_key
        FROM {LANES} AS lanes
        CROSS JOIN json_each(:queues) AS lines
        CROSS JOIN onbeat_ready AS ready ON ready.queue = lines.value AND ready.lane = lanes.column1
        WHERE NOT EXISTS (
            SELECT 1 FROM onbeat_queues WHERE name = lines.value AND paused_at IS NOT NULL
        )
        LIMIT :limit
    ) AS picked
    CROSS JOIN onbeat_jobs AS jobs ON jobs.id = picked.job
    WHERE EXISTS (SELECT 1 FROM onbeat_sessions WHERE id = :session AND ended_at IS NULL)
      AND (jobs.ties IS NULL OR jobs.ties NOT LIKE '%"slot:%' AND (
            jobs.ties NOT LIKE '%"expires:%' OR NOT EXISTS (
                SELECT 1 FROM onbeat_deadlines WHERE job = picked.job AND expires_at <= :now)))
    """,
    """
    DELETE FROM onbeat_ready
    WHERE job IN (SELECT job FROM onbeat_leases WHERE token > :last)
    """,
    """
    SELECT json_group_array(json_array(
        jobs.id, leases.token, jobs.task, leases.queue, leases.attempt, jobs.max_attempts,
        jobs.args, jobs.options, jobs.occurrence_at, leases.losses,
        leases.started_at - leases.order_key)),
        max(instr(leases.ties, '"waiting:') + instr(leases.ties, '"expires:') > 0)
    FROM onbeat_leases AS leases CROSS JOIN onbeat_jobs AS jobs ON jobs.id = leases.job
    WHERE leases.token > :last
    """,
)

# Where any of what was taken is tied: keys that were had until now, and deadlines that were kept.
CLAIM_TIED = (
    """
    DELETE FROM onbeat_uniques WHERE (key, job) IN (
        SELECT substr(tie.value, -32), leases.job
        FROM onbeat_leases AS leases CROSS JOIN json_each(leases.ties) AS tie
        WHERE leases.token > :last AND leases.ties LIKE '%"waiting:%' AND tie.value LIKE 'waiting:%'
    )
    """,
    """
    DELETE FROM onbeat_deadlines WHERE job IN (
        SELECT job FROM onbeat_leases WHERE token > :last AND ties LIKE '%"expires:%'
    )
    """,
)

LAST_TOKEN = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'onbeat_leases'"  # noqa: S105

ACK_INPUT = """
CREATE TEMP TABLE IF NOT EXISTS acks (
    token INTEGER PRIMARY KEY, place TEXT, state TEXT, outcome TEXT, attempt INTEGER,
    delay INTEGER, reason TEXT, error TEXT, result TEXT, losses INTEGER
)
"""

# A token that comes twice counts once, as it does on PostgreSQL. Most jobs succeed and give nothing
# back: of these come only the tokens, 2.5 us a job less than a JSON object each. The others are
# arrays, in the order of AckRow.
_TAKE_SUCCESSES = """
INSERT OR IGNORE INTO temp.acks (token, place, state, outcome)
SELECT value, 'finished', 'completed', 'succeeded' FROM json_each(:completed)
"""

_TAKE_OTHERS = """
INSERT OR IGNORE INTO temp.acks
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[4]'),
       json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[5]'),
       json_extract(value, '$[6]'), json_extract(value, '$[7]'),
       substr(json_extract(value, '$[8]'), 2, length(json_extract(value, '$[8]')) - 2),
       json_extract(value, '$[9]')
FROM json_each(:acks)
"""

_REMEMBER = """
INSERT INTO onbeat_attempts (job, token, finished_at, attempt, session, outcome, started_at,
                             reason, error, result)
SELECT leases.job, leases.token, :now, leases.attempt, leases.session, acks.outcome,
       leases.started_at, acks.reason, acks.error, acks.result
FROM temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
"""

_FINISH = """
INSERT INTO onbeat_finished (job, finished_at, task, queue, lane, outcome, attempts, reason)
SELECT leases.job, :now, leases.task, leases.queue, leases.lane, acks.state,
       coalesce(acks.attempt, leases.attempt), acks.reason
FROM temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
WHERE acks.place = 'finished'
"""

_DELAY = """
INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt, reason, losses)
SELECT :now + acks.delay, leases.job, leases.queue, leases.lane, acks.attempt, acks.reason,
       coalesce(acks.losses, leases.losses)
FROM temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
WHERE acks.place = 'delayed'
"""

_PLACE = """
INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt, losses)
SELECT leases.queue, leases.lane, :now, leases.job, acks.attempt,
       coalesce(acks.losses, leases.losses)
FROM temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
WHERE acks.place = 'ready'
"""

# Whether any of the leases has a slot, and of which queues those are; whether an end of theirs is
# told; whether they have unique keys. Most batches have none of all that.
TIED = """
SELECT coalesce(max(instr(ties, '"slot:') > 0), 0),
       json_group_array(DISTINCT leases.queue) FILTER (WHERE instr(ties, '"slot:') > 0),
       coalesce(max(instr(ties, '"ends:') > 0), 0),
       coalesce(max(instr(ties, '"unique:') > 0), 0)
FROM temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
WHERE leases.ties IS NOT NULL
"""

LET_GO = f"""
UPDATE onbeat_slots AS slots SET used = slots.used - freed.count, "full" = 0
FROM (
    {counted_slots("temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token")}
) AS freed
WHERE slots.slot = freed.slot
"""

# Ends that somebody waits for are told with the end itself (store/ends.py).
TELL_ENDS = """
INSERT OR REPLACE INTO onbeat_ends (job, state, at)
SELECT leases.job, acks.state, :now
FROM temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
WHERE leases.ties IS NOT NULL AND leases.ties LIKE '%"ends:"%' AND acks.place = 'finished'
"""

# A schedule that rests after its job ends is due again from now on.
_REARM = """
UPDATE onbeat_schedules SET next_due_at = coalesce(held_due_at, :now + after_finish),
       awaits_job = NULL
WHERE awaits_job IN (
    SELECT leases.job FROM temp.acks
    CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
    WHERE acks.place = 'finished'
)
"""

ACK = (_TAKE_SUCCESSES, _TAKE_OTHERS, _REMEMBER, _FINISH, _DELAY, _PLACE, _REARM)
ACK_SUCCESSES = (_TAKE_SUCCESSES, _REMEMBER, _FINISH, _REARM)
"""What is left of it where nothing but successes come, as in most batches. After each statement the
writer waits for the interpreter's lock, so that fewer are faster even where they do nothing."""

ACK_APPLIED = """
SELECT json_group_array(leases.token)
FROM temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
"""

# The keys that ended jobs had.
FREE_KEYS = """
DELETE FROM onbeat_uniques WHERE (key, job) IN (
    SELECT substr(tie.value, -32), leases.job
    FROM temp.acks CROSS JOIN onbeat_leases AS leases ON leases.token = acks.token
    CROSS JOIN json_each(leases.ties) AS tie
    WHERE acks.place = 'finished' AND leases.ties LIKE '%"unique:%'
      AND tie.value LIKE 'unique:%'
)
"""

ACK_DONE = (
    "DELETE FROM onbeat_leases WHERE token IN (SELECT token FROM temp.acks)",
    "DELETE FROM temp.acks",
)

PROMOTE = (
    """
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt, losses)
    SELECT queue, lane, :now, job, attempt, losses
    FROM onbeat_delayed WHERE due_at <= :now ORDER BY due_at, job LIMIT :limit
    """,
    # By job alone: a pair would be looked up by its moment, which 100,000 jobs may share.
    """
    DELETE FROM onbeat_delayed WHERE job IN (
        SELECT job FROM onbeat_delayed WHERE due_at <= :now
        ORDER BY due_at, job LIMIT :limit
    )
    """,
)

PROMOTABLE = """
SELECT count(*), json_group_array(DISTINCT queue)
FROM (SELECT queue FROM onbeat_delayed WHERE due_at <= :now ORDER BY due_at, job LIMIT :limit)
"""

_DUE = """
SELECT json_group_array(json_array(
    id, name, task, queue, recurrence, catch_up, overlap, start_at, end_at, "limit", made,
    next_due_at, jitter, pause_after, failures, skips, skips_by, held_due_at, last_job,
    last_job IS NOT NULL AND (
        EXISTS (SELECT 1 FROM onbeat_leases WHERE job = last_job)
        OR (EXISTS (SELECT 1 FROM onbeat_ready WHERE job = last_job)
            OR EXISTS (SELECT 1 FROM onbeat_delayed WHERE job = last_job)
            OR EXISTS (SELECT 1 FROM onbeat_blocked WHERE job = last_job))
        AND NOT EXISTS (SELECT 1 FROM onbeat_jobs AS jobs
                        WHERE jobs.id = last_job AND jobs.task <> due.task)),
    CASE WHEN pause_after IS NOT NULL AND judged_job IS NOT last_job THEN
        (SELECT outcome = 'failed' FROM onbeat_finished WHERE job = last_job
         ORDER BY finished_at DESC LIMIT 1) END,
    json_valid(args)))
FROM (
    SELECT * FROM onbeat_schedules
    WHERE paused_at IS NULL AND broken IS NULL AND {by_its_clock}
    ORDER BY next_due_at LIMIT :limit
) AS due
"""

DUE = _DUE.format(by_its_clock="clock IS NULL AND next_due_at <= :now")
DUE_ON_CLOCK = _DUE.format(by_its_clock="clock = :clock AND next_due_at <= :until")

FIRE = (
    # Rows are arrays, in the order of OccurrenceRow. The ledger comes after the book: only an
    # occurrence that was not on record makes a job, and only a job in the book is placed. Where a
    # schedule's jobs are sent elsewhere, queue and route come at the end.
    """
    INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, options, schedule,
                             occurrence_at, created_at, ties)
    SELECT json_extract(value, '$[4]'), s.task, coalesce(json_extract(value, '$[7]'), s.queue),
           s.lane, s.max_attempts, s.args,
           CASE WHEN json_extract(value, '$[8]') IS NULL THEN s.options
                ELSE json_patch(coalesce(s.options, '{}'), json_extract(value, '$[8]')) END,
           s.id, json_extract(value, '$[1]'), :now, s.ties
    FROM json_each(:occurrences) CROSS JOIN onbeat_schedules AS s
        ON s.id = json_extract(value, '$[0]')
    WHERE json_extract(value, '$[4]') IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM onbeat_occurrences WHERE schedule = s.id
                      AND due_at = json_extract(value, '$[1]'))
    """,
    """
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
    SELECT queue, lane, :now, id, 0 FROM onbeat_jobs
    WHERE rowid > :last AND id NOT IN (
        SELECT json_extract(value, '$[0]') FROM json_each(:later)
        WHERE json_extract(value, '$[1]') > :now
    )
    """,
    # `later` holds job and moment of the few that are to wait.
    """
    INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt, reason)
    SELECT json_extract(value, '$[1]') AS due, jobs.id, jobs.queue, jobs.lane, 0, NULL
    FROM json_each(:later) CROSS JOIN onbeat_jobs AS jobs ON jobs.id = json_extract(value, '$[0]')
    WHERE jobs.rowid > :last AND due > :now
    """,
    """
    INSERT OR IGNORE INTO onbeat_occurrences (schedule, due_at, outcome, through_at, job, reason,
                                       decided_at)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
           json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
           :now
    FROM json_each(:occurrences)
    """,
)

ADVANCE = """
UPDATE onbeat_schedules
SET next_due_at = ?3,
    last_due_at = coalesce(?4, last_due_at),
    made = made + ?2,
    last_job = coalesce(?5, last_job),
    awaits_job = ?6,
    broken = ?7,
    held_due_at = ?8,
    skips = max(skips - ?9, 0),
    failures = ?10,
    judged_job = coalesce(?11, judged_job),
    late = late + ?12,
    coalesced = coalesced + ?13,
    skipped = skipped + ?14,
    missed = missed + ?15,
    paused_at = CASE WHEN ?16 IS NULL THEN paused_at ELSE ?17 END,
    paused_by = CASE WHEN ?16 IS NULL THEN paused_by ELSE 'onbeat' END,
    paused_why = coalesce(?16, paused_why)
WHERE id = ?1
"""
"""Run for each schedule: the fields of AdvanceRow in their order, then the moment it is.

6.9 us a schedule; from one JSON text, whose sixteen values are each searched for, 10.6.
"""

NEXT_DUE = """
SELECT (SELECT min(next_due_at) FROM onbeat_schedules WHERE paused_at IS NULL AND broken IS NULL
        AND clock IS NULL AND next_due_at IS NOT NULL),
       (SELECT min(due_at) FROM onbeat_delayed),
       (SELECT min(paused_until) FROM onbeat_schedules WHERE paused_until IS NOT NULL),
       (SELECT min(expires_at) FROM onbeat_deadlines),
       EXISTS (SELECT 1 FROM onbeat_backfills WHERE ended_at IS NULL),
       EXISTS (SELECT 1 FROM onbeat_ends)
"""

HEARTBEAT = """
UPDATE onbeat_sessions SET heartbeat_at = :now, expires_at = :now + :expires_in
WHERE id = :session AND ended_at IS NULL
"""

STOPS = """
SELECT json_group_array(json_array(token, stop_asked)) FROM onbeat_leases
WHERE session = :session AND stop_asked IS NOT NULL
"""
