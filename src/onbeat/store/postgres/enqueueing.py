"""What stores jobs on PostgreSQL: one statement each, for plain ones and those that have more."""

from __future__ import annotations

from collections.abc import Sequence

from onbeat.domain.jobs import NewJob
from onbeat.store.postgres.conditions import DATED, FREE, KEYED, MARKED, TAKE_OVER
from onbeat.store.postgres.moments import FROM_MICROS, MOMENT, ORDER_KEY

_ENQUEUE = f"""
WITH {MOMENT},
asked AS MATERIALIZED (
    SELECT row.*,
           CASE WHEN row.delay > 0 OR row.due_at IS NOT NULL THEN greatest(
               moment.at + coalesce(row.delay, 0) * interval '1 microsecond',
               {FROM_MICROS.format("row.due_at")}) END AS due
    FROM moment, jsonb_to_recordset(CAST(CAST(:jobs AS text) AS jsonb)) AS row(
        id uuid, task text, queue text, lane smallint, max_attempts smallint, args jsonb,
        options jsonb, delay bigint, due_at bigint, ties text{{more}})
),{{keyed}}
booked AS (
    INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, options, created_at, ties)
    SELECT id, task, queue, lane, max_attempts, args, options, moment.at, ties FROM asked, moment
    {{where}}
    ON CONFLICT (id) DO NOTHING
    RETURNING id
),
waiting AS (
    INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt)
    SELECT due, id, queue, lane, 0 FROM asked JOIN booked USING (id), moment
    WHERE due > moment.at
),{{dated}}
placed AS (
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
    SELECT queue, lane, {ORDER_KEY}, id, 0 FROM asked JOIN booked USING (id), moment
    WHERE due IS NULL OR due <= moment.at
)
SELECT count(*) {{answer}} FROM booked
"""

ENQUEUE = _ENQUEUE.format(more="", keyed="", where="", dated="", answer="")


def _with_conditions(more: str) -> str:
    return _ENQUEUE.format(
        more=", key uuid, within bigint, start_within bigint, start_by bigint",
        keyed=KEYED,
        where="WHERE NOT EXISTS (SELECT FROM refused WHERE refused.id = asked.id)",
        dated=DATED + more,
        answer="""AS new,
       (SELECT coalesce(CAST(jsonb_agg(jsonb_build_array(
            replace(CAST(id AS text), '-', ''), replace(CAST(holder AS text), '-', ''))) AS text),
            '[]') FROM refused) AS refused""",
    )


# The same for jobs with conditions: a unique key, a deadline. It answers who has the keys of those
# that are not stored.
ENQUEUE_WITH_CONDITIONS = _with_conditions("")
ENQUEUE_MARKED = _with_conditions(MARKED)

ENQUEUE_UNIQUE = _ENQUEUE.format(
    more=", key uuid, within bigint", keyed=FREE, where="", dated="", answer=""
)

# One job that is pending at once, as most are when they come one by one: without JSON to take apart
# it costs half of what the general statement does. A job that is in the book already violates its
# key, and nothing is stored: to ask before (ON CONFLICT) and to read the row back costs each 25 us.
_ENQUEUE_ONE = f"""
WITH {MOMENT},{{keyed}}
placed AS (
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
    SELECT :queue, CAST(:lane AS smallint), {ORDER_KEY}, CAST(:id AS uuid), 0 FROM moment
)
INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, options, created_at, ties)
SELECT CAST(:id AS uuid), :task, :queue, CAST(:lane AS smallint), CAST(:attempts AS smallint),
       CAST(CAST(:args AS text) AS jsonb), CAST(CAST(:options AS text) AS jsonb), moment.at,
       CAST(:ties AS text)
FROM moment
"""

ENQUEUE_ONE = _ENQUEUE_ONE.format(keyed="")

_KEY_OF_ONE = """SELECT CAST(:key AS uuid), CAST(:id AS uuid),
           moment.at + CAST(:within AS bigint) * interval '1 microsecond' FROM moment"""

# The same for one with a unique key that is free: one that is not ends the statement.
ENQUEUE_ONE_FREE = _ENQUEUE_ONE.format(
    keyed=f"""
keyed AS (
    INSERT INTO onbeat_uniques (key, job, expires_at)
    {_KEY_OF_ONE}
),"""
)

# The same where the key may be another's. It answers who has it: the job itself where it is stored.
# To ask and to read the row back are 20 % of what one job takes.
ENQUEUE_ONE_UNIQUE = f"""
WITH {MOMENT},
keyed AS (
    INSERT INTO onbeat_uniques AS had (key, job, expires_at)
    {_KEY_OF_ONE}
    {TAKE_OVER}
),
placed AS (
    INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
    SELECT :queue, CAST(:lane AS smallint), {ORDER_KEY}, keyed.job, 0 FROM moment, keyed
    WHERE keyed.job = CAST(:id AS uuid)
),
booked AS (
    INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, options, created_at, ties)
    SELECT keyed.job, :task, :queue, CAST(:lane AS smallint), CAST(:attempts AS smallint),
           CAST(CAST(:args AS text) AS jsonb), CAST(CAST(:options AS text) AS jsonb), moment.at,
           CAST(:ties AS text)
    FROM moment, keyed WHERE keyed.job = CAST(:id AS uuid)
)
SELECT job FROM keyed
"""


def enqueue_statement(jobs: Sequence[NewJob]) -> str:
    """What stores these jobs, whatever they have: the least of the statements that can."""
    if any(job.is_marked for job in jobs):
        return ENQUEUE_MARKED
    return ENQUEUE_WITH_CONDITIONS if any(job.has_conditions for job in jobs) else ENQUEUE
