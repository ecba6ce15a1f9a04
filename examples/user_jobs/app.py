"""What users may schedule: the whole application. Fork this file; `onbeat up` does the rest."""

from __future__ import annotations

from onbeat import Onbeat, Run

JOBS = "jobQueue"
"""Where users' jobs run; those made by `POST /jobs/schedule` are there whatever a task says."""

ob = Onbeat(name="user-jobs")  # ONBEAT_DB and all other settings, as `onbeat up` reads them


@ob.task(for_users=True, queue=JOBS)
async def remind(user_id: str, text: str) -> str:
    """Remind a user of something."""
    return f"{user_id}: {text}"


@ob.task(for_users=True, queue=JOBS)
async def report(run: Run, user_id: str, lines: int = 3) -> int:
    """Write a report for a user, and say how far it is."""
    for line in range(1, lines + 1):
        run.log.info("written", line=line, user=user_id)
        run.progress(line / lines, note=f"line {line} of {lines}")
    return lines


@ob.task
async def close_books() -> None:
    """The team's own: no user can schedule it."""
