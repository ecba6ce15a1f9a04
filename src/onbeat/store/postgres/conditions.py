"""What the hot statements do about unique keys, deadlines and marks, as parts of them.

A plain job has no ties, and of it these parts read nothing. Each stands after `moment`.
"""

from __future__ import annotations

# What was had and is not any more is taken over. A key that is another's is written as it was, for
# that tells who has it, also when that is committed only while this waits for it.
TAKE_OVER = """
    ON CONFLICT (key) DO UPDATE
    SET job = CASE WHEN had.expires_at <= (SELECT at FROM moment)
                   THEN excluded.job ELSE had.job END,
        expires_at = CASE WHEN had.expires_at <= (SELECT at FROM moment)
                          THEN excluded.expires_at ELSE had.expires_at END
    RETURNING key, job
"""

# Where all keys are free, which is not known before: the first that is not ends the statement, and
# the one with TAKE_OVER is sent. To look first, and to tell who has each, costs 2.5 us a job.
FREE = """
keyed AS (
    INSERT INTO onbeat_uniques (key, job, expires_at)
    SELECT key, id, moment.at + within * interval '1 microsecond' FROM asked, moment
    WHERE key IS NOT NULL
    ORDER BY key
),"""

# Keys in their order, so that two batches wait for each other at one key at most.
KEYED = f"""
keyed AS (
    INSERT INTO onbeat_uniques AS had (key, job, expires_at)
    SELECT key, id, moment.at + within * interval '1 microsecond' FROM asked, moment
    WHERE key IS NOT NULL
    ORDER BY key
    {TAKE_OVER}
),
refused AS MATERIALIZED (
    SELECT asked.id, keyed.job AS holder FROM asked JOIN keyed USING (key)
    WHERE keyed.job <> asked.id
),"""  # noqa: S608 - of constants

DATED = """
dated AS (
    INSERT INTO onbeat_deadlines (job, expires_at)
    SELECT id, coalesce(timestamptz 'epoch' + start_by * interval '1 microsecond',
                        greatest(due, moment.at) + start_within * interval '1 microsecond')
    FROM asked JOIN booked USING (id), moment
    WHERE start_by IS NOT NULL OR start_within IS NOT NULL
),"""

MARKED = """
marked AS (
    INSERT INTO onbeat_marks (mark, job)
    SELECT tie.value, id
    FROM asked JOIN booked USING (id),
         jsonb_array_elements_text(CAST(ties AS jsonb)) AS tie(value)
    WHERE tie.value LIKE 'tag:%' OR tie.value LIKE 'owner:%'
    ON CONFLICT DO NOTHING
),"""

IS_OVERDUE = """(jobs.ties LIKE '%"expires:%' AND EXISTS (
            SELECT FROM onbeat_deadlines
            WHERE job = ready.job AND expires_at <= (SELECT at FROM moment)))"""
"""A job that should have begun by now is left where it is; store/deadlines.py calls it off."""

BEGUN = """begun AS (
    DELETE FROM onbeat_uniques
    WHERE key = ANY (ARRAY(
        SELECT CAST(right(tie.value, 32) AS uuid)
        FROM booked, jsonb_array_elements_text(CAST(booked.ties AS jsonb)) AS tie(value)
        WHERE booked.ties LIKE '%"waiting:%' AND tie.value LIKE 'waiting:%'))
      AND job = ANY (ARRAY(SELECT job FROM booked WHERE ties LIKE '%"waiting:%'))
),
dated AS (
    DELETE FROM onbeat_deadlines
    WHERE job = ANY (ARRAY(SELECT job FROM booked WHERE ties LIKE '%"expires:%'))
)"""
"""Keys that were had until now, and deadlines that were kept."""

FREED = """keys_had AS MATERIALIZED (
    SELECT CAST(right(tie.value, 32) AS uuid) AS key, job
    FROM ended, jsonb_array_elements_text(CAST(ended.ties AS jsonb)) AS tie(value)
    WHERE ended.ties LIKE '%"unique:%' AND place = 'finished' AND tie.value LIKE 'unique:%'
),
-- In the order in which a batch of new jobs takes them.
keys_locked AS MATERIALIZED (
    SELECT key FROM onbeat_uniques WHERE key = ANY (ARRAY(SELECT key FROM keys_had))
    ORDER BY key FOR UPDATE
),
keys_freed AS (
    DELETE FROM onbeat_uniques
    WHERE key = ANY (ARRAY(SELECT key FROM keys_locked))
      AND job = ANY (ARRAY(SELECT job FROM keys_had))
),"""
"""The keys that were had until the end."""

FIRED = f"""made AS MATERIALIZED (
    SELECT jobs.id, jobs.task, jobs.queue, jobs.lane, tie.value AS tie
    FROM onbeat_jobs AS jobs, jsonb_array_elements_text(CAST(jobs.ties AS jsonb)) AS tie(value)
    WHERE jobs.id = ANY (ARRAY(
        SELECT CAST(value AS uuid)
        FROM jsonb_array_elements_text(CAST(CAST(:jobs AS text) AS jsonb))))
),
wanting AS MATERIALIZED (
    SELECT id, task, queue, lane, CAST(right(tie, 32) AS uuid) AS key,
           CASE WHEN tie LIKE 'within:%' THEN CAST(split_part(tie, ':', 2) AS bigint) END AS within
    FROM made WHERE tie LIKE 'unique:%' OR tie LIKE 'waiting:%' OR tie LIKE 'within:%'
),
keyed AS (
    INSERT INTO onbeat_uniques AS had (key, job, expires_at)
    SELECT DISTINCT ON (key) key, id, moment.at + within * interval '1 microsecond'
    FROM wanting, moment ORDER BY key, id
    {TAKE_OVER}
),
refused AS MATERIALIZED (
    SELECT id, task, queue, lane, keyed.job AS holder FROM wanting JOIN keyed USING (key)
    WHERE keyed.job <> id
),
off_ready AS (DELETE FROM onbeat_ready WHERE job = ANY (ARRAY(SELECT id FROM refused))),
off_delayed AS (DELETE FROM onbeat_delayed WHERE job = ANY (ARRAY(SELECT id FROM refused))),
over AS (
    INSERT INTO onbeat_finished (job, finished_at, task, queue, lane, outcome, attempts, reason)
    SELECT id, moment.at, task, queue, lane, 'cancelled', 0,
           'duplicate of job ' || replace(CAST(holder AS text), '-', '')
    FROM refused, moment
),
rested AS (
    UPDATE onbeat_schedules
    SET next_due_at = coalesce(held_due_at,
                               moment.at + after_finish * interval '1 microsecond'),
        awaits_job = NULL
    FROM moment WHERE awaits_job = ANY (ARRAY(SELECT id FROM refused))
),
dated AS (
    INSERT INTO onbeat_deadlines (job, expires_at)
    SELECT id, greatest(moment.at, delayed.due_at)
               + CAST(split_part(tie, ':', 2) AS bigint) * interval '1 microsecond'
    FROM made LEFT JOIN onbeat_delayed AS delayed ON delayed.job = made.id, moment
    WHERE tie LIKE 'expires:%' AND id <> ALL (ARRAY(SELECT id FROM refused))
),
marked AS (
    INSERT INTO onbeat_marks (mark, job)
    SELECT tie, id FROM made WHERE tie LIKE 'tag:%' OR tie LIKE 'owner:%'
    ON CONFLICT DO NOTHING
)
SELECT count(*) FROM refused"""  # noqa: S608 - of constants
"""Take the keys of a tick's jobs, call off those whose keys others have, set the others' deadlines,
and write what all of them are found by.

What is called off is on record, for its moment has come.
"""


def counted_slots(leased: str) -> str:
    """The query of how many of some leases hold each slot, a slot perhaps in more rows than one.

    Of one tie alone, which is most, its text is cut out: to read 1,000 as JSON takes 4 ms.
    """
    return f"""
        WITH alike AS MATERIALIZED (
            SELECT ties, count(*) AS count, strpos(ties, ',') + strpos(ties, '\\') = 0 AS is_one
            FROM {leased} WHERE ties LIKE '%"slot:%' GROUP BY ties
        )
        SELECT substr(ties, 8, length(ties) - 9) AS slot, count FROM alike WHERE is_one
        UNION ALL
        SELECT substr(tie, 6), count
        FROM alike, jsonb_array_elements_text(CAST(ties AS jsonb)) AS tie
        WHERE NOT is_one AND tie LIKE 'slot:%'"""  # noqa: S608 - of constants
