"""The root of all commands, grouped by purpose. A noun's module is imported when it is asked for:
`onbeat --help` needs none of them, and none needs the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from onbeat.cli.groups import HelpfulGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """A command of the root and where it is."""

    name: str
    module: str
    about: str
    further: tuple[str, ...] = ()
    """Modules that add commands to the noun."""

    @cache  # noqa: B019 - there are as many as are written below
    def load(self) -> Any:
        """Import the module and make the command."""
        module, *_ = [
            import_module(f"onbeat.cli.commands.{each}") for each in (self.module, *self.further)
        ]
        command = get_command(getattr(module, self.name))
        command.name = self.name
        return command


PURPOSES: dict[str, tuple[Entry, ...]] = {
    "Run": (
        Entry("up", "processes", "Run a scheduler, a worker and the API in one process."),
        Entry("worker", "processes", "Run a worker: claim jobs and run them."),
        Entry("scheduler", "processes", "Run a scheduler: make jobs when schedules are due."),
        Entry("run", "run", "Run services of your application, each as its own process."),
        Entry("api", "api", "Serve the API over HTTP."),
    ),
    "Look and act": (
        Entry(
            "jobs",
            "jobs",
            "List, show, enqueue, retry and cancel jobs.",
            further=("job_lists",),
        ),
        Entry("operations", "operations", "See and stop what is done to many jobs."),
        Entry(
            "schedules",
            "schedules",
            "Preview, add, edit, pause and trigger schedules.",
            further=("by_hand", "backfills", "previews", "health", "anomalies"),
        ),
        Entry("incidents", "incidents", "See what is wrong or was; acknowledge, resolve it."),
        Entry("rules", "rules", "See and change what opens incidents; try it on the past."),
        Entry("silences", "silences", "Let nobody be told of some incidents for a time."),
        Entry("stats", "stats", "See what came of jobs, and how long they took."),
        Entry("report", "report", "Report a week beside the one before, as a page with plots too."),
        Entry(
            "objectives",
            "objectives",
            "See and set how well tasks, schedules and queues are to do.",
        ),
        Entry(
            "queues",
            "queues",
            "See what stands in each queue; pause and resume them.",
            further=("health", "anomalies"),
        ),
        Entry("limits", "limits", "See what is limited, and change it while everything runs."),
        Entry("breakers", "breakers", "See which dependencies are left alone, and decide it."),
        Entry("workflows", "workflows", "See which jobs wait for which; call workflows off."),
        Entry("regions", "regions", "See how each region is, and where its jobs go."),
        Entry("clocks", "clocks", "Make virtual clocks, look at them, move them."),
        Entry("calendars", "calendars", "Keep holidays and closed times by name."),
        Entry("retention", "retention", "See and set how long ended jobs are kept, and how many."),
        Entry("services", "services", "See what runs in which process, and steer it."),
        Entry("sources", "sources", "See what comes from outside, and what did not fit of it."),
        Entry("workers", "workers", "See which workers are there."),
        Entry(
            "tasks",
            "tasks",
            "See which tasks an application has, and how they fare.",
            further=("health", "anomalies"),
        ),
    ),
    "Set up and check": (
        Entry("db", "db", "Bring the database to the schema Onbeat needs, and check it."),
        Entry("users", "users", "Add, list, change and remove those who may sign in."),
        Entry("tokens", "tokens", "Make, list and revoke tokens for programs."),
        Entry("webhooks", "webhooks", "Tell owners of their jobs' ends, and see what was told."),
        Entry("channels", "channels", "Say where incidents are told, and try it."),
        Entry("notices", "notices", "See what channels were told; send it again."),
        Entry("audit", "audit", "See who changed what."),
        Entry("crontab", "crontab", "Bring crontabs in as schedules."),
        Entry("telemetry", "telemetry", "Write a Grafana dashboard and Prometheus alert rules."),
        Entry("doctor", "doctor", "Check settings, database, clock and versions."),
    ),
}

ENTRIES = {entry.name: entry for entries in PURPOSES.values() for entry in entries}


class Root(HelpfulGroup):
    """Loads commands late, and lists them by purpose."""

    def __init__(self, **attributes: Any) -> None:
        """Stand-ins for all commands: enough for help, and for suggestions after a typing error."""
        super().__init__(**attributes)
        for entry in ENTRIES.values():
            self.add_command(TyperCommand(entry.name, help=entry.about))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command itself."""
        entry = ENTRIES.get(cmd_name)
        return None if entry is None else entry.load()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands by what they are for."""
        for purpose, entries in PURPOSES.items():
            with formatter.section(purpose):
                formatter.write_dl([(entry.name, entry.about) for entry in entries])


app = typer.Typer(cls=Root, rich_markup_mode=None)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onbeat {import_module('onbeat').__version__}")
        raise typer.Exit


@app.callback(
    epilog="\b\nBegin:\n  onbeat up --app shop:ob\n"
    "  onbeat jobs ls --state failed\n"
    '  onbeat schedules preview --cron "0 9 * * mon-fri" --tz Europe/Paris\n\n'
    "Every command has --help with an example, takes --db URL (or ONBEAT_DB) and --environment "
    "NAME, and prints JSON with --json. `onbeat doctor` lists all settings.",
)
def onbeat(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Onbeat: schedules make jobs, workers run jobs, every run is on record."""


root: TyperGroup = get_command(app)  # type: ignore[assignment] # it has a callback, so it is a group
