"""What an incident says: what is wrong, where an error came from, what to try. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from onbeat.domain.incidents import Changed, Facts, Kind, LastError
from onbeat.domain.rules import Condition, Finding, Rule

LONGEST_MESSAGE: Final = 1_000
"""Characters of an error that are told: the whole of it is with its job."""


SAYS: Final = {
    Condition.FAILED: "a job failed for good",
    Condition.IN_A_ROW: "jobs fail one after the other",
    Condition.FAILURE_RATE: "too many jobs fail",
    Condition.SLOW: "runs take longer than they should",
    Condition.STALE: "it was due and has not succeeded since",
    Condition.SILENT: "jobs run at a worker that is not heard of",
    Condition.LATE: "it is due and makes no job",
    Condition.MISSED: "moments of it were missed",
    Condition.STUCK: "jobs run for much longer than ever of late",
    Condition.BACKLOG: "jobs wait for too long",
    Condition.NO_WORKERS: "jobs wait, and no worker serves it",
    Condition.WORKER_LOST: "it died with jobs, which others run again",
    Condition.NO_SCHEDULER: "no scheduler is at work, or none was: nothing becomes due",
    Condition.CYCLE: "its cycles take nearly as long as they may",
    Condition.DATABASE: "the database was out of reach, or slow",
    Condition.DELIVERIES: "messages to it are not taken",
    Condition.UNUSUAL_DURATION: "runs do not take as long as usual",
    Condition.UNUSUAL_FAILURES: "more jobs fail than usual",
    Condition.UNUSUAL_VOLUME: "not as many jobs end as usual",
    Condition.UNUSUAL_LATENESS: "runs begin later than usual",
    Condition.DURATION_RISES: "runs take longer from day to day",
    Condition.FAILURES_RISE: "more jobs fail from day to day",
    Condition.LATENESS_RISES: "runs begin later from day to day",
}


def facts_of(
    rule: Rule,
    finding: Finding,
    *,
    last_error: LastError | None = None,
    last_good_at: datetime | None = None,
    changed: Sequence[Changed] = (),
) -> Facts:
    """All that is known."""
    figures = ", ".join(f"{name}: {value}" for name, value in finding.figures.items())
    told = f"{finding.kind} {finding.name}: {finding.says or SAYS[rule.condition]}"
    return Facts(
        what=f"{told} ({figures})" if figures else told, since=finding.since,
        figures=dict(finding.figures), last_error=last_error, last_good_at=last_good_at,
        changed=tuple(changed), to_try=tuple(to_try(rule.condition, finding, last_error)),
        task=finding.task, queue=finding.queue, tags=finding.tags,
    )  # fmt: skip


UNUSUAL: Final = ("onbeat {kind}s anomalies {name}", "onbeat {kind}s health {name}")

COMMANDS: Final = {
    Condition.SLOW: ("onbeat {kind}s health {name}", "onbeat stats"),
    Condition.STUCK: ("onbeat jobs ls --state running --task {name}", "onbeat workers ls"),
    Condition.SILENT: ("onbeat jobs ls --state running --task {name}", "onbeat workers ls"),
    Condition.STALE: ("onbeat schedules why {name}", "onbeat schedules occurrences {name}"),
    Condition.LATE: ("onbeat schedules why {name}", "onbeat services ls"),
    Condition.MISSED: ("onbeat schedules occurrences {name}", "onbeat schedules why {name}"),
    Condition.BACKLOG: ("onbeat queues ls", "onbeat worker --queues {name}"),
    Condition.NO_WORKERS: ("onbeat workers ls", "onbeat worker --queues {name}"),
    Condition.WORKER_LOST: ("onbeat workers ls", "onbeat jobs ls --state running"),
    Condition.NO_SCHEDULER: ("onbeat services ls", "onbeat scheduler"),
    Condition.CYCLE: ("onbeat services ls", "onbeat doctor"),
    Condition.DATABASE: ("onbeat doctor",),
    Condition.DELIVERIES: ("onbeat webhooks deliveries {name}",),
    Condition.UNUSUAL_DURATION: UNUSUAL,
    Condition.UNUSUAL_FAILURES: UNUSUAL,
    Condition.UNUSUAL_VOLUME: UNUSUAL,
    Condition.UNUSUAL_LATENESS: UNUSUAL,
    Condition.DURATION_RISES: UNUSUAL,
    Condition.FAILURES_RISE: UNUSUAL,
    Condition.LATENESS_RISES: UNUSUAL,
}
"""What shows more, or mends it, where that is nothing of a job's."""

CHANNEL_COMMANDS: Final = ("onbeat channels show {name}", "onbeat channels test {name}")

OPTIONS: Final = {Kind.TASK: "--task", Kind.QUEUE: "--queue", Kind.SCHEDULE: "--schedule"}


def to_try(condition: Condition, of: Finding, error: LastError | None) -> list[str]:
    """Commands that show more, or mend it."""
    name = shlex.quote(of.name)
    if of.kind is Kind.CHANNEL:
        return [each.format(name=name) for each in CHANNEL_COMMANDS]
    if condition in COMMANDS:
        return [each.format(kind=of.kind, name=name) for each in COMMANDS[condition]]
    failed = f"onbeat jobs ls --state failed {OPTIONS[of.kind]} {name}"
    has_job = error is not None and error.job is not None
    return [f"onbeat jobs show {error.job}", failed] if error and has_job else [failed]
