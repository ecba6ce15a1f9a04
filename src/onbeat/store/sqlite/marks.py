"""What jobs are found by, on SQLite: read from their ties in the book, after they are booked."""

from __future__ import annotations

MARK_NEW = """
INSERT OR IGNORE INTO onbeat_marks (mark, job)
SELECT tie.value, jobs.id
FROM onbeat_jobs AS jobs CROSS JOIN json_each(jobs.ties) AS tie
WHERE jobs.rowid > :last AND (jobs.ties LIKE '%"tag:%' OR jobs.ties LIKE '%"owner:%')
  AND (tie.value LIKE 'tag:%' OR tie.value LIKE 'owner:%')
"""
"""Of the jobs booked since the job `last`."""
