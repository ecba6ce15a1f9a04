"""`onbeat run`: services of the application, in a process of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from onbeat import __version__
from onbeat.app.onbeat import Onbeat
from onbeat.app.processes import Parts, own_services
from onbeat.app.variables import variables_of
from onbeat.cli import inputs
from onbeat.cli.command import command, standing_alone
from onbeat.cli.commands.processes import For, Instance, ProbePort, Region
from onbeat.cli.invocation import Invocation
from onbeat.cli.output.tables import Cell, Column
from onbeat.cli.probing import probes_of
from onbeat.cli.running import Plan, run_until_told
from onbeat.domain.errors import InvalidInput, InvalidSetting

run = standing_alone()

COLUMNS = (
    Column("SERVICE", bends=True), Column("NAME", bends=True), Column("KIND"),
    Column("STARTS BY ITSELF"), Column("CRITICAL"),
)  # fmt: skip


@command(
    run, "run", "onbeat run csv-import --app shop:ob", "onbeat run --list --app shop:ob",
    takes_app=True,
)  # fmt: skip
async def run_services(
    asked: Invocation,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="SERVICE…", help="Their ids; see --list.")
    ] = None,
    *,
    also: Annotated[
        str | None, typer.Option("--scheduler", metavar="SERVICE", help="The same as SERVICE.")
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="List the services the application has.")
    ] = False,
    region: Region = None,
    instance: Instance = None,
    probe_port: ProbePort = None,
    stop_after: For = None,
) -> None:
    """Run services of your application, until SIGTERM or Ctrl-C; any number of such processes.

    `ob.service(…)` adds a service; those that start by themselves run beside each scheduler, too.
    """
    ob = asked.need_app("run runs your application's services")
    if listed:
        _list(asked, ob)
        return
    wanted = [*(names or ()), *([] if also is None else [also])]
    if not wanted:
        raise InvalidInput("service", "name one or more; `onbeat run --list` shows which there are")
    given: dict[str, Any] = {"region": region, "instance_id": instance, "probe_port": probe_port}
    settings = replace(ob.settings, **{k: v for k, v in given.items() if v is not None})
    parts = Parts.from_settings(settings, worker=False, scheduler=False, version=__version__)
    limit = inputs.duration("for", stop_after)
    probes = probes_of(ob, settings, wanted)
    plan = Plan(replace(parts, own=wanted), settings, limit, probes=probes)
    await run_until_told(asked, ob, plan)


def _list(asked: Invocation, ob: Onbeat) -> None:
    """Show all of them; those that would not start are named, and the exit code tells of them."""
    found = own_services(ob.url, ob.service_makers)
    services = [each.service for each in found]
    rows: list[list[Cell]] = [
        [each.id, each.name, type(each).__name__, _yes(each.auto_start), _yes(each.critical)]
        for each in services
    ]
    answer = [
        {"id": of.service.id, "name": of.service.name, "kind": type(of.service).__name__,
         "auto_start": of.service.auto_start, "critical": of.service.critical,
         "variables": variables_of(of.service), "wrong": of.wrong}
        for of in found
    ]  # fmt: skip
    asked.out.show({"services": answer}, lambda: asked.out.table(COLUMNS, rows))
    if not services and not asked.json:
        asked.out.note("the application has none; `ob.service(…)` adds one")
    wrong = [each for each in found if each.wrong is not None]
    for of in wrong:
        asked.out.note(f"{of.service.id} would not start: {of.wrong}")
    if wrong:
        raise typer.Exit(InvalidSetting.exit_code)


def _yes(whether: bool) -> str:
    return "yes" if whether else "no"
