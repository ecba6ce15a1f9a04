"""Every table, once.

Where a job stands is which one small table holds it: `delayed`, `ready`, `blocked`, `leases` or
`finished`. `jobs` is the book of what was asked. No foreign keys, no triggers: whoever deletes a
row decides. A lane is 10 minus the priority, so that
one index scan yields the most urgent first. `losses` goes with a job from place to place: how many
workers have died under it, null for nearly all. Names begin with `onbeat_`, because
the tables live beside those of the application whose transactions enqueue jobs.
"""

from __future__ import annotations

from onbeat.store.schema.access import (
    audit,
    guesses,
    logins,
    request_keys,
    tokens,
    users,
)
from onbeat.store.schema.channels import channels, notice_attempts, notices, tellings
from onbeat.store.schema.fleet import duties, processes, queues, sessions, tasks, wishes
from onbeat.store.schema.health import folds, health, meters, objectives, rollups
from onbeat.store.schema.incidents import (
    conditions,
    expectations,
    incident_changes,
    incidents,
    rules,
    silences,
)
from onbeat.store.schema.kinds import VERSION_TABLE, metadata
from onbeat.store.schema.operations import operations
from onbeat.store.schema.outside import callbacks, deliveries, set_aside, webhooks
from onbeat.store.schema.places import (
    PARTITIONED_BY_DAY,
    PARTITIONED_BY_MONTH,
    attempts,
    blocked,
    delayed,
    finished,
    jobs,
    leases,
    logs,
    ready,
)
from onbeat.store.schema.ties import (
    breakers,
    deadlines,
    dependencies,
    ends,
    limits,
    marks,
    members,
    regions,
    retention,
    slots,
    uniques,
    workflows,
)
from onbeat.store.schema.time import (
    backfills,
    calendars,
    clocks,
    occurrences,
    reruns,
    schedules,
    versions,
)
from onbeat.store.schema.views import QUEUE_LOAD

__all__ = [
    "PARTITIONED_BY_DAY",
    "PARTITIONED_BY_MONTH",
    "QUEUE_LOAD",
    "VERSION_TABLE",
    "attempts",
    "audit",
    "backfills",
    "blocked",
    "breakers",
    "calendars",
    "callbacks",
    "channels",
    "clocks",
    "conditions",
    "deadlines",
    "delayed",
    "deliveries",
    "dependencies",
    "duties",
    "ends",
    "expectations",
    "finished",
    "folds",
    "guesses",
    "health",
    "incident_changes",
    "incidents",
    "jobs",
    "leases",
    "limits",
    "logins",
    "logs",
    "marks",
    "members",
    "metadata",
    "meters",
    "notice_attempts",
    "notices",
    "objectives",
    "occurrences",
    "operations",
    "processes",
    "queues",
    "ready",
    "regions",
    "request_keys",
    "reruns",
    "retention",
    "rollups",
    "rules",
    "schedules",
    "sessions",
    "set_aside",
    "silences",
    "slots",
    "tasks",
    "tellings",
    "tokens",
    "uniques",
    "users",
    "versions",
    "webhooks",
    "wishes",
    "workflows",
]
