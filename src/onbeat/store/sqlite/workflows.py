"""What stores a workflow on SQLite, thousands of rows at once, each an array of one JSON text.

Of a job: id, task, queue, lane, attempts, arguments, options, ties, when it is due, label, how many
parents it waits for, and why it is blocked.
"""

from __future__ import annotations


def _field(place: int) -> str:
    return f"json_extract(value, '$[{place}]')"


EACH = "json_each(:rows)"

BOOK = f"""
INSERT INTO onbeat_jobs (id, task, queue, lane, max_attempts, args, options, ties, created_at)
SELECT {", ".join(_field(place) for place in range(8))}, :at FROM {EACH}
"""

PLACE = f"""
INSERT INTO onbeat_ready (queue, lane, order_key, job, attempt)
SELECT {_field(2)}, {_field(3)}, :order_key, {_field(0)}, 0
FROM {EACH} WHERE {_field(10)} = 0 AND {_field(8)} IS NULL
"""

DELAY = f"""
INSERT INTO onbeat_delayed (due_at, job, queue, lane, attempt)
SELECT {_field(8)}, {_field(0)}, {_field(2)}, {_field(3)}, 0
FROM {EACH} WHERE {_field(10)} = 0 AND {_field(8)} IS NOT NULL
"""

BLOCK = f"""
INSERT INTO onbeat_blocked (job, queue, lane, attempt, reason, since_at, due_at, parents)
SELECT {_field(0)}, {_field(2)}, {_field(3)}, 0, {_field(11)}, :at, {_field(8)}, {_field(10)}
FROM {EACH} WHERE {_field(10)} > 0
"""

ENROL = f"""
INSERT INTO onbeat_workflow_jobs (workflow, job, label)
SELECT :flow, {_field(0)}, {_field(9)} FROM {EACH}
"""

TIE = f"""
INSERT INTO onbeat_dependencies (parent, job, "on")
SELECT {_field(0)}, {_field(1)}, {_field(2)} FROM {EACH}
"""

MARK = f"""
INSERT INTO onbeat_marks (mark, job)
SELECT tie.value, json_extract(row.value, '$[0]')
FROM {EACH} AS row CROSS JOIN json_each(json_extract(row.value, '$[7]')) AS tie
WHERE tie.value LIKE 'tag:%' OR tie.value LIKE 'owner:%'
"""
