"""What the fleet is told in: each metric by its name, once.

`/metrics` is written by these, and so are the rules of alerts and the dashboard: a name in one of
them is a name in all. Names follow https://prometheus.io/docs/practices/naming/: base units,
`_total` on counters alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from onbeat.domain.health import Kind


class MetricKind(StrEnum):
    """What Prometheus is told that a metric is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    INFO = "info"
    HISTOGRAM = "histogram"


SUFFIXES = {
    MetricKind.COUNTER: "_total",
    MetricKind.GAUGE: "",
    MetricKind.INFO: "_info",
    MetricKind.HISTOGRAM: "_bucket",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, its family's name without the suffix that its kind has."""

    family: str
    about: str
    labels: tuple[str, ...] = ()
    kind: MetricKind = MetricKind.GAUGE

    def __str__(self) -> str:
        """The name that its samples have, and that is asked for."""
        return f"{self.family}{SUFFIXES[self.kind]}"


BUILD = Metric("onbeat_build", "What tells this.", kind=MetricKind.INFO)
QUEUE_JOBS = Metric(
    "onbeat_queue_jobs", "Jobs in each state, counted up to 10,000.", ("queue", "state")
)
QUEUE_AGE = Metric(
    "onbeat_queue_oldest_due_age_seconds",
    "How long the job has waited that is next; 0 where none is pending.",
    ("queue",),
)
QUEUE_PAUSED = Metric("onbeat_queue_paused", "1 where it is paused.", ("queue",))
QUEUE_LIMIT = Metric(
    "onbeat_queue_concurrency_limit",
    "How many of its jobs may run at once, where that is bound.",
    ("queue",),
)
QUEUE_NEEDS = Metric(
    "onbeat_queue_needed_workers",
    "Workers that it takes to have all that waits begun within a minute.",
    ("queue",),
)
INCIDENTS = Metric(
    "onbeat_incidents_open",
    "Incidents that are not resolved, by how grave they are.",
    ("severity",),
)
CHANNEL_OFF = Metric("onbeat_channel_disabled", "1 where nothing is sent to it.", ("channel",))
NOTICES = Metric("onbeat_channel_notices_waiting", "Notices yet to be sent.", ("channel",))
WORKERS = Metric("onbeat_workers", "Workers that are heard of.", ("queue", "draining"))
SLOTS = Metric("onbeat_worker_slots", "Jobs that all workers could run, and do run.", ("kind",))
HEARTBEAT_AGE = Metric(
    "onbeat_worker_heartbeat_age_seconds", "How long ago each worker was heard.", ("worker",)
)
SERVICES = Metric("onbeat_services", "Services of all processes.", ("service", "status"))
CYCLES = Metric(
    "onbeat_scheduler_cycles",
    "Cycles of each scheduler.",
    ("scheduler", "outcome"),
    MetricKind.COUNTER,
)
CYCLE_SECONDS = Metric(
    "onbeat_scheduler_cycle_seconds", "How long its last cycle took.", ("scheduler",)
)
CYCLE_MEAN = Metric(
    "onbeat_scheduler_cycle_mean_seconds",
    "How long its cycles took on average, since it began.",
    ("scheduler",),
)
OUTBOUND = Metric(
    "onbeat_outbound_requests",
    "Requests to the outside of each process, by what came of them.",
    ("process", "kind", "outcome"),
    MetricKind.COUNTER,
)
OUTBOUND_SECONDS = Metric(
    "onbeat_outbound_request_seconds",
    "How long these took.",
    ("process", "kind"),
    MetricKind.HISTOGRAM,
)
ENQUEUED = Metric(
    "onbeat_jobs_enqueued",
    "Jobs that were asked for, by what did.",
    ("queue", "task", "source"),
    MetricKind.COUNTER,
)
ATTEMPTS = Metric(
    "onbeat_attempts",
    "Attempts by what came of them.",
    ("queue", "task", "outcome"),
    MetricKind.COUNTER,
)
ATTEMPT_SECONDS = Metric(
    "onbeat_attempt_duration_seconds",
    "How long these took, but for lost ones.",
    ("queue", "task"),
    MetricKind.HISTOGRAM,
)
WAIT = Metric(
    "onbeat_job_wait_seconds",
    "How long jobs were pending before their first attempt, each time where that snoozes.",
    ("queue",),
    MetricKind.HISTOGRAM,
)
FIRES = Metric(
    "onbeat_schedule_fires",
    "Moments of schedules by what became of them, a range of moments as one.",
    ("outcome",),
    MetricKind.COUNTER,
)
LATENESS = Metric(
    "onbeat_schedule_lateness_seconds",
    "How long after its moment each job of a schedule was made.",
    kind=MetricKind.HISTOGRAM,
)
TICK_SECONDS = Metric(
    "onbeat_scheduler_tick_duration_seconds",
    "How long ticks of all schedulers took.",
    kind=MetricKind.HISTOGRAM,
)
NOTIFICATIONS = Metric(
    "onbeat_notifications",
    "Notices that were sent or tried to be, by the kind of their channel.",
    ("channel_type", "result"),
    MetricKind.COUNTER,
)
DELETED = Metric(
    "onbeat_retention_deleted",
    "What retention took off the record.",
    ("kind",),
    MetricKind.COUNTER,
)
QUERY_SECONDS = Metric(
    "onbeat_db_query_duration_seconds",
    "How long operations on the database took where services run, but for heartbeats of workers "
    "and blocking calls; waits for a connection or the one writer among it.",
    ("name",),
    MetricKind.HISTOGRAM,
)
NEXT_FIRE = Metric(
    "onbeat_schedule_next_fire_timestamp_seconds",
    "When each schedule is due next that makes jobs by itself.",
    ("schedule",),
)
SOURCE_UP = Metric(
    "onbeat_source_connected", "1 where a process listens to it, and is connected.", ("source",)
)
SOURCE_WAITING = Metric(
    "onbeat_source_messages_waiting", "Messages that are not taken yet.", ("source",)
)
SOURCE_BEHIND = Metric(
    "onbeat_source_behind_seconds", "For how long the first of these has waited.", ("source",)
)
SOURCE_MESSAGES = Metric(
    "onbeat_source_messages",
    "Messages that each process has had, and inbound webhooks of all, by what came of them.",
    ("process", "source", "outcome"),
    MetricKind.COUNTER,
)
OVERDUE = Metric(
    "onbeat_schedule_overdue_seconds",
    "For how long the first schedule that is due has been; 0 where none is.",
)
FOLDED_TO = Metric(
    "onbeat_folded_to_timestamp_seconds",
    "Up to when ends are counted in onbeat_jobs_finished and its like; 0 where none are.",
)

ANSWERS = Metric(
    "onbeat_answers",
    "Answers that the process asked has given of those that are kept, by where they were from.",
    ("answer", "source"),
    MetricKind.COUNTER,
)
ANSWERS_BYTES = Metric("onbeat_answers_kept_bytes", "Bytes of answers that it keeps.")
DEPENDENCY_UP = Metric(
    "onbeat_dependency_up",
    "1 where what the process asked depends on is up, each that its /health names.",
    ("dependency",),
)
POOL = Metric(
    "onbeat_db_pool",
    "Connections of the process asked that are busy, and further ones that it may use.",
    ("state",),
)
WS_CLIENTS = Metric("onbeat_ws_clients", "Clients that follow live updates from it.")
HTTP_SECONDS = Metric(
    "onbeat_http_request_duration_seconds",
    "How long it took until its answers began.",
    ("route", "method", "status"),
    MetricKind.HISTOGRAM,
)
REDIS_UP = Metric("onbeat_redis_up", "1 where Redis answered it last; nothing where none is given.")

PROCESS_READY = Metric("onbeat_process_ready", "1 where its /readyz would say so.")
PROCESS_SERVICES = Metric(
    "onbeat_process_services",
    "1 for each of its services, by how it stands.",
    ("service", "status"),
)
PROCESS_STEPS = Metric(
    "onbeat_process_steps",
    "Steps that its services have taken.",
    ("service", "outcome"),
    MetricKind.COUNTER,
)
PROCESS_STEP_SECONDS = Metric(
    "onbeat_process_step_seconds", "How long the last step of a service took.", ("service",)
)


@dataclass(frozen=True, slots=True)
class Fares:
    """What tells how the jobs of each task, queue or schedule fare."""

    finished: Metric
    attempts: Metric
    failures_in_row: Metric
    last_success: Metric


def _fares(kind: Kind, jobs: str) -> Fares:
    label = (str(kind),)
    return Fares(
        Metric(
            f"onbeat_{jobs}_finished",
            f"Jobs that ended, by {kind}.",
            (*label, "outcome"),
            MetricKind.COUNTER,
        ),
        Metric(
            f"onbeat_{jobs}_attempts", f"Attempts of these, by {kind}.", label, MetricKind.COUNTER
        ),
        Metric(
            f"onbeat_{kind}_failures_in_row",
            "Jobs that failed since the last that completed.",
            label,
        ),
        Metric(
            f"onbeat_{kind}_last_success_timestamp_seconds",
            "When a job last completed; 0 where none has.",
            label,
        ),
    )


FARES = {
    Kind.TASK: _fares(Kind.TASK, "jobs"),
    Kind.QUEUE: _fares(Kind.QUEUE, "queue_jobs"),
    Kind.SCHEDULE: _fares(Kind.SCHEDULE, "schedule_jobs"),
}
"""By what jobs are counted."""
