"""`onbeat up`, `worker`, `scheduler`: run until told to stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

import typer

from onbeat import __version__
from onbeat.app.doctor.settings import source_of
from onbeat.app.onbeat import Onbeat
from onbeat.app.processes import Parts
from onbeat.cli import inputs
from onbeat.cli.command import command, standing_alone
from onbeat.cli.invocation import Invocation
from onbeat.cli.probing import probes_of
from onbeat.cli.running import Plan, run_until_told
from onbeat.cli.serving import Serving, serving_beside
from onbeat.runtime.tasks import ENABLED_BY

up, worker, scheduler = standing_alone(), standing_alone(), standing_alone()

QueueNames = Annotated[
    str | None, typer.Option(metavar="A,B", help="Queues to take jobs from (ONBEAT_QUEUES).")
]
Concurrency = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, max=10_000, help="Jobs to run at once (ONBEAT_CONCURRENCY)."),
]
Region = Annotated[
    str | None, typer.Option(metavar="NAME", help="Where this process runs (ONBEAT_REGION).")
]
Instance = Annotated[
    str | None, typer.Option(metavar="NAME", help="This process's own name (ONBEAT_INSTANCE_ID).")
]
Grace = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="How long its jobs may go on when it stops (ONBEAT_SHUTDOWN_GRACE).",
    ),
]
For = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="Stop by itself after so long.")
]

ProbePort = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=0, max=65_535,
        help="Port that answers /livez, /readyz and /metrics (ONBEAT_PROBE_PORT); 0: any.",
    ),
]  # fmt: skip


@command(
    up, "up", "onbeat up --app shop:ob", "onbeat up --app shop:ob --queues mail,billing --for 30s",
    takes_app=True,
)  # fmt: skip
async def run_up(
    asked: Invocation,
    *,
    queues: QueueNames = None,
    concurrency: Concurrency = None,
    region: Region = None,
    instance: Instance = None,
    grace: Grace = None,
    stop_after: For = None,
) -> None:
    """Run a scheduler, a worker and the API in one process, until SIGTERM or Ctrl-C.

    It takes jobs from all queues its tasks are declared with, unless told which. Stopping, it lets
    running jobs end within --grace and gives back the rest; a second signal ends it at once.
    """
    ob = _with_tasks(asked, "up runs your tasks")
    changes = _changes(queues, concurrency, region, instance, grace)
    told = _of_no_task(ob, changes)
    if _are_queues_unsaid(changes):
        changes["queues"] = _all_queues(ob)
    parts = Parts(scheduler=ob.settings.scheduler_enabled)
    await _run(asked, ob, changes, parts, stop_after, told, serves=True)


@command(
    worker, "worker", "onbeat worker --app shop:ob --queues billing --concurrency 20",
    takes_app=True,
)  # fmt: skip
async def run_worker(
    asked: Invocation,
    *,
    queues: QueueNames = None,
    concurrency: Concurrency = None,
    region: Region = None,
    instance: Instance = None,
    grace: Grace = None,
    probe_port: ProbePort = None,
    stop_after: For = None,
) -> None:
    """Run a worker, until SIGTERM or Ctrl-C; its heartbeat is a process of its own.

    Stopping, it lets running jobs end within --grace and gives back the rest; a second signal ends
    it at once.
    """
    ob = _with_tasks(asked, "a worker runs your tasks")
    changes = _changes(queues, concurrency, region, instance, grace, probe_port)
    told = _left_to_others(ob) if _are_queues_unsaid(changes) else _of_no_task(ob, changes)
    await _run(asked, ob, changes, Parts(scheduler=False, heart_in_process=True), stop_after, told)


@command(scheduler, "scheduler", "onbeat scheduler --app shop:ob", takes_app=True)
async def run_scheduler(
    asked: Invocation,
    *,
    instance: Instance = None,
    probe_port: ProbePort = None,
    stop_after: For = None,
) -> None:
    """Run a scheduler, until SIGTERM or Ctrl-C; any number may run at once.

    With --app it brings the schedules declared in code into the database; without, it leaves those
    as they are.
    """
    changes = _changes(None, None, None, instance, None, probe_port)
    await _run(asked, asked.onbeat, changes, Parts(worker=False), stop_after)


def _with_tasks(asked: Invocation, purpose: str) -> Onbeat:
    """The application; with a built-in task there is something to run without one."""
    if asked.settings.shell or asked.settings.http_task:
        return asked.onbeat
    return asked.need_app(purpose, ", or ONBEAT_SHELL=true, to run an imported crontab alone")


def _changes(
    queues: str | None,
    concurrency: int | None,
    region: str | None,
    instance: str | None,
    grace: str | None,
    probe_port: int | None = None,
) -> dict[str, Any]:
    """The settings that were given as options."""
    given = {
        "queues": inputs.names("queues", queues),
        "concurrency": concurrency,
        "region": region,
        "instance_id": instance,
        "shutdown_grace": inputs.duration("grace", grace),
        "probe_port": probe_port,
    }
    return {name: value for name, value in given.items() if value is not None}


def _are_queues_unsaid(changes: dict[str, Any]) -> bool:
    return "queues" not in changes and source_of("queues") == "default"


def _left_to_others(ob: Onbeat) -> str | None:
    left = set(_all_queues(ob)) - set(ob.settings.queues)
    if not left:
        return None
    return f"jobs in {', '.join(sorted(left))} are left to other workers; see --queues"


def _of_no_task(ob: Onbeat, changes: dict[str, Any]) -> str | None:
    """Which of the queues that were named no task has; a command's is said with each command."""
    declared = ob.registry.queues()
    unused = set(changes.get("queues", ob.settings.queues)) - declared
    if not unused or ENABLED_BY.keys() & set(ob.tasks) or _are_queues_unsaid(changes):
        return None
    theirs = ", ".join(sorted(declared)) or "none"
    return f"no task of the application has queue {', '.join(sorted(unused))}; they have {theirs}"


def _all_queues(ob: Onbeat) -> tuple[str, ...]:
    declared = ob.registry.queues()
    return tuple(sorted(declared | set(ob.settings.queues)))


async def _run(
    asked: Invocation,
    ob: Onbeat,
    changes: dict[str, Any],
    parts: Parts,
    stop_after: str | None,
    told: str | None = None,
    *,
    serves: bool = False,
) -> None:
    """Run the parts, and the API where it `serves` that."""
    settings = replace(ob.settings, **changes)
    whole = Parts.from_settings(
        settings,
        worker=parts.worker,
        scheduler=parts.scheduler,
        heart_in_process=parts.heart_in_process,
        version=__version__,
    )
    limit: timedelta | None = inputs.duration("for", stop_after)
    api = serving_beside(asked, ob, settings) if serves else None
    probes = None if isinstance(api, Serving) else probes_of(ob, settings)
    await run_until_told(asked, ob, Plan(whole, settings, limit, told, api, probes))
