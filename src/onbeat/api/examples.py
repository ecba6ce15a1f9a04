"""An example of each body that can be sent, and of what is answered most, for the description."""

from __future__ import annotations

from typing import Any

JOB = "01a224dee48270009786037438a3877c"

EXAMPLES: dict[str, dict[str, Any]] = {
    "ActionIn": {"action": "restart", "id": "scheduler"},
    "AdvanceIn": {"by": "6h"},
    "BackfillIn": {
        "schedule": "acme-report", "from": "2027-01-04T00:00:00Z", "to": "2027-01-10T23:59:59Z",
        "dry_run": True,
    },
    "BoundsIn": {"concurrency": 10, "rate": "100/min", "burst": 20},
    "CalendarIn": {"weekend": ["sat", "sun"], "holidays": ["2027-12-25", "2027-12-26"]},
    "CallbackIn": {"status": "completed", "result": {"lines": 3}},
    "CancelIn": {"reason": "ordered twice"},
    "ChannelChange": {"options": {"severity": "error", "repeat": "2h"}},
    "ChannelIn": {
        "name": "ops", "kind": "slack", "url": "https://hooks.slack.com/services/T0/B0/SECRET",
        "options": {"severity": "error", "rules": ["!late*"], "repeat": "2h"},
    },
    "ClockIn": {"name": "world", "at": "2027-01-04T08:00:00Z"},
    "IncidentRuleIn": {
        "name": "imports", "condition": "slow", "longer_than": "10m", "tasks": ["import.*"],
        "severity": "warning",
    },
    "JobIn": {"task": "charge", "args": {"order_id": 42}, "priority": 8, "key": "order-42"},
    "JobsIn": {
        "jobs": [{"task": "charge", "args": {"order_id": each}} for each in (42, 43)],
    },
    "KeptIn": {"completed": "100,30d", "failed": "90d"},
    "MatcherIn": {"tasks": ["report.*"], "severities": ["warning"]},
    "NewPassword": {
        "current": "correct horse battery staple", "password": "another horse, another staple",
    },
    "ObjectiveIn": {"target": 0.999, "window": "30d"},
    "NoteAlone": {"note": "the bank has been told"},
    "NoteIn": {"note": "on it"},
    "OperationIn": {
        "action": "redrive", "where": {"task": ["charge"], "error": "timeout"}, "dry_run": True,
    },
    "PauseIn": {"why": "the bank is down", "until": "2027-01-04T12:00:00Z"},
    "PreviewIn": {"cron": ["0 9 * * mon-fri"], "tz": "Europe/Paris", "count": 3},
    "RuleChange": {"times": 5, "severity": "critical", "for": "2m"},
    "ScheduleChange": {"cron": ["30 9 * * mon-fri"], "why": "the bank opens later"},
    "ScheduleIn": {
        "name": "acme-report", "task": "report", "args": {"customer": "acme"},
        "cron": ["0 9 * * mon-fri"], "tz": "Europe/Paris", "overlap": "skip",
        "catch_up": "latest within 1d",
    },
    "SchedulesIn": {
        "schedules": [
            {"name": f"{customer}-report", "task": "report", "args": {"customer": customer},
             "every": ["1d"]}
            for customer in ("acme", "globex")
        ],
    },
    "SchedulePut": {
        "task": "report", "args": {"customer": "acme"}, "every": ["15m"], "jitter": "1m",
        "why": "often enough",
    },
    "SetUp": {"name": "ann", "password": "correct horse battery staple", "token": "SETUP-TOKEN"},
    "SignIn": {"name": "ann", "password": "correct horse battery staple"},
    "SilenceIn": {"matcher": {"tasks": ["report.*"]}, "reason": "a deploy", "for": "1h"},
    "SkipIn": {"count": 1},
    "SnoozeIn": {"for": "2h", "note": "after lunch"},
    "TokenIn": {"name": "ci", "scopes": ["jobs:enqueue", "jobs:read"], "expires_in_days": 90},
    "TriggerIn": {"at": "2027-01-04T08:00:00Z"},
    "RevertIn": {"version": 3, "why": "the old hours were better"},
    "RotateIn": {"keep_for": "24h"},
    "SchedulesOperationIn": {
        "action": "pause", "where": {"prefix": "report-", "task": ["build"]},
        "reason": "the source is down", "dry_run": True,
    },
    "CrontabIn": {
        "name": "backup", "text": "MAILTO=ops\n0 3 * * * /usr/bin/backup --all\n",
        "tz": "Europe/Paris", "dry_run": True,
    },
    "UserScheduleIn": {
        "name": "remind", "data": {"text": "tea"},
        "schedule": {"cron": "0 16 * * mon-fri", "tz": "Europe/Paris", "endDate": "2027-12-31"},
        "options": {"removeOnComplete": {"count": 100}, "removeOnFail": {"count": 500}},
    },
    "WebhookIn": {"url": "https://hooks.example/onbeat", "events": ["job.failed"]},
    "WebhookChange": {"events": ["job.completed", "job.failed"], "enabled": True},
    "UserChange": {"role": "operator", "disabled": False},
    "UserIn": {"name": "ben", "role": "operator", "password": "correct horse battery staple"},
    "WorkflowIn": {
        "name": "nightly",
        "jobs": [
            {"label": "north", "task": "fetch", "args": {"region": "north"}},
            {"label": "south", "task": "fetch", "args": {"region": "south"}},
            {"task": "merge", "results": {"parts": ["north", "south"]}},
            {"task": "tidy", "after": ["merge"], "on": "end"},
        ],
    },
    "Enqueued": {"id": JOB, "is_new": True, "warnings": []},
    "ProblemDetails": {
        "type": "https://onbeat.dev/problems/invalid", "title": "The request is wrong",
        "status": 400, "code": "invalid", "request_id": "5f0c2a9d31e64b87",
        "detail": "priority: Input should be less than or equal to 10",
        "message": "priority: Input should be less than or equal to 10",
        "errors": [
            {
                "in": "body", "field": "priority",
                "detail": "Input should be less than or equal to 10",
            }
        ],
    },
}  # fmt: skip
"""By the name of the schema."""


def exemplify(described: dict[str, Any]) -> None:
    """Put them into a description."""
    schemas = described["components"]["schemas"]
    for name in EXAMPLES.keys() & schemas.keys():
        schemas[name]["examples"] = [EXAMPLES[name]]
