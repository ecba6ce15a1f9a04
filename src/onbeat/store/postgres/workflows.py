"""What stores a workflow on PostgreSQL, thousands of rows at once, each an array of one JSON text.

Of a job: id, task, queue, lane, attempts, arguments, options, ties, when it is due, label, how many
parents it waits for, and why it is blocked.
"""

from __future__ import annotations

_AT = "timestamptz 'epoch' + {} * interval '1 microsecond'"
AT = _AT.format("CAST(CAST(:at AS text) AS bigint)")
EACH = "jsonb_array_elements(CAST(CAST(:rows AS text) AS jsonb)) AS row(value)"
ID = "CAST(value ->> 0 AS uuid)"
LANE = "CAST(value ->> 3 AS smallint)"
PARENTS = "CAST(value ->> 10 AS integer)"
DUE = _AT.format("CAST(value ->> 8 AS bigint)")

BOOK = f"""
INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, options, ties, created_at)
SELECT {ID}, value ->> 1, value ->> 2, {LANE}, CAST(value ->> 4 AS smallint), value -> 5,
       nullif(value -> 6, CAST('null' AS jsonb)), value ->> 7, {AT}
FROM {EACH}
"""

PLACE = f"""
INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
SELECT value ->> 2, {LANE}, CAST(CAST(:order_key AS text) AS bigint), {ID}, 0
FROM {EACH} WHERE {PARENTS} = 0 AND value ->> 8 IS NULL
"""

DELAY = f"""
INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt)
SELECT {DUE}, {ID}, value ->> 2, {LANE}, 0
FROM {EACH} WHERE {PARENTS} = 0 AND value ->> 8 IS NOT NULL
"""

BLOCK = f"""
INSERT INTO onbeat_blocked (job, queue, lane, attempt, reason, since_at, due_at, parents)
SELECT {ID}, value ->> 2, {LANE}, 0, value ->> 11, {AT}, {DUE}, {PARENTS}
FROM {EACH} WHERE {PARENTS} > 0
"""

ENROL = f"""
INSERT INTO onbeat_workflow_jobs (workflow, job, label)
SELECT CAST(CAST(:flow AS text) AS uuid), {ID}, value ->> 9 FROM {EACH}
"""

TIE = f"""
INSERT INTO onbeat_dependencies (parent, job, "on")
SELECT {ID}, CAST(value ->> 1 AS uuid), value ->> 2 FROM {EACH}
"""

MARK = f"""
INSERT INTO onbeat_marks (mark, job)
SELECT tie.value, CAST(row.value ->> 0 AS uuid)
FROM {EACH}, jsonb_array_elements_text(CAST(row.value ->> 7 AS jsonb)) AS tie(value)
WHERE tie.value LIKE 'tag:%' OR tie.value LIKE 'owner:%'
"""
