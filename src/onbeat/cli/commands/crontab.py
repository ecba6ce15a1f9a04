"""`onbeat crontab import`: bring a crontab in as schedules of the task `shell`."""

from __future__ import annotations

import getpass
import os
import pwd
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from onbeat.app.crontab import Import, Policies
from onbeat.app.facts.crontabs import Heading, Report, answer
from onbeat.app.options import read_timeout
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation, file_of
from onbeat.cli.local_zone import local_zone
from onbeat.cli.views import crontab as view
from onbeat.domain.crontab import Crontab, Entry, read_crontab
from onbeat.domain.errors import InvalidInput, OnbeatError
from onbeat.domain.jobs import check_name
from onbeat.domain.recurrence.zones import known_zone
from onbeat.domain.schedules import parse_catch_up, parse_overlap
from onbeat.runtime.machine import boot_id

crontab = noun("Bring crontabs in as schedules.")

LARGEST = 4 * 1024 * 1024
"""Bytes; what is larger is no crontab."""

SYSTEM_FOLDER = "cron.d"
FOLDERS_IN_LABELS = (SYSTEM_FOLDER, "crontabs")
SYSTEM_FILE = Path("/etc/crontab")


class BadLines(OnbeatError):
    """Some lines of the crontab are wrong; the good ones were brought in all the same."""

    exit_code = 2


@command(
    crontab,
    "import",
    "onbeat crontab import /etc/cron.d/backup --dry-run",
    "crontab -l | onbeat crontab import - --paused",
)
async def bring_in(
    asked: Invocation,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The crontab; - reads stdin.")],
    *,
    user_field: Annotated[
        bool | None,
        typer.Option(
            "--user-field/--no-user-field",
            help="Whether a user follows the time; unsaid, so it is in /etc/crontab and cron.d.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    tz: Annotated[
        str | None, typer.Option(metavar="ZONE", help="Whose wall clock; unsaid, this machine's.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the schedules' names begin with.")
    ] = None,
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="The queue of its jobs.")] = "default",
    priority: Annotated[
        int, typer.Option(metavar="0-10", min=0, max=10, help="10 is the most urgent.")
    ] = 5,
    overlap: Annotated[
        str, typer.Option(metavar="POLICY", help="While the last job goes on: allow or skip.")
    ] = "allow",
    catch_up: Annotated[
        str,
        typer.Option(metavar="POLICY", help="Missed moments: none, latest, first, all; within 6h."),
    ] = "none",
    longest: Annotated[
        str | None,
        typer.Option("--timeout", metavar="TIME", help="End a command after so long."),
    ] = None,
    paused: Annotated[bool, typer.Option("--paused", help="Pause those that are added.")] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove schedules whose lines are gone, unless a line is wrong."
        ),
    ] = False,
) -> None:
    """Make a schedule of each line of a crontab; read again, it is brought up to date.

    Unless told otherwise it behaves as under cron: jobs may overlap, nothing is caught up with or
    tried again. Lines that are wrong are named, and the others are brought in. The commands are run
    by workers with ONBEAT_SHELL=true.
    """
    path = _path(file)
    label = check_name("name", name or _label(path))
    policies = Policies(
        catch_up=parse_catch_up(catch_up),
        overlap=parse_overlap(overlap),
        queue=check_name("queue", queue),
        priority=priority,
        timeout=read_timeout(longest),
    )
    zone = local_zone() if tz is None else known_zone(tz)
    has_user = _is_system(path) if user_field is None else user_field
    read = read_crontab(_read(path), has_user=has_user, zone=zone)
    by = asked.who if paused else None
    done = await _done(asked, label, read, policies, by, dry_run=dry_run, prune=prune)
    heading = Heading(
        file=file, zone=zone, has_user=has_user, dry_run=dry_run, prune=prune, paused=paused
    )
    _show(asked, heading, read, done)


async def _done(
    asked: Invocation,
    label: str,
    read: Crontab,
    policies: Policies,
    paused_by: str | None,
    *,
    dry_run: bool,
    prune: bool,
) -> Import:
    plain = asked.without_app()
    ob = plain.onbeat
    database = file_of(ob.url) if ob.environment is None else None
    if dry_run and database is not None and not database.exists():
        return ob.crontabs.preview(label, read, policies, prune=prune)
    async with plain.connected(creates=not dry_run) as ob:
        if dry_run:
            return await ob.crontabs.compare(label, read, policies, prune=prune)
        return await ob.crontabs.bring_in(label, read, policies, paused_by=paused_by, prune=prune)


def _show(asked: Invocation, heading: Heading, read: Crontab, done: Import) -> None:
    now = datetime.now(UTC)
    told = {each.entry.line: tuple(_warnings(each.entry)) for each in done.brought}
    report = Report(heading=heading, crontab=read, done=done, told=told)
    asked.out.show(answer(report, now), lambda: view.page(report, now, asked.out.width))
    if not asked.json and done.brought and not asked.settings.shell:
        asked.out.note("the commands are run by workers started with ONBEAT_SHELL=true")
    if done.bad:
        raise BadLines(_told_of_bad_lines(heading, [str(each.line) for each in done.bad]))


def _told_of_bad_lines(heading: Heading, bad: list[str]) -> str:
    named = f"line {bad[0]} is" if len(bad) == 1 else f"lines {', '.join(bad)} are"
    rest = f"what is right {'can be' if heading.dry_run else 'was'} brought in"
    if not heading.prune:
        return f"{named} wrong; {rest}; mend the file, or go on"
    nothing = f"nothing {'would be' if heading.dry_run else 'was'} pruned"
    return f"{nothing}: {named} wrong; mend {'it' if len(bad) == 1 else 'them'} first; {rest}"


def _warnings(entry: Entry) -> Iterator[str]:
    """What this machine knows against an entry."""
    if entry.recurrence is None and boot_id() is None:
        yield "this system does not tell when it was started; it will never be due"
    if entry.user is None:
        return
    try:
        account = pwd.getpwnam(entry.user)
    except KeyError:
        yield f"there is no user {entry.user!r} on this machine; its worker needs one"
        return
    if os.geteuid() not in (0, account.pw_uid):
        yield f"its worker must run as root or as {entry.user}"


def _path(file: str) -> Path | None:
    return None if file == "-" else Path(file).absolute()


def _read(path: Path | None) -> bytes:
    try:
        if path is None:
            raw = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with path.open("rb") as stream:
                raw = stream.read(LARGEST + 1)
    except OSError as error:
        told = (error.strerror or str(error)).lower()
        raise InvalidInput("file", f"{path} cannot be read: {told}; give a crontab, or -") from None
    if len(raw) > LARGEST:
        raise InvalidInput("file", f"it has over {LARGEST:,} bytes; give a crontab")
    return raw


def _is_system(path: Path | None) -> bool:
    """Whether cron would expect a user in each of its lines."""
    return path is not None and (path == SYSTEM_FILE or path.parent.name == SYSTEM_FOLDER)


def _label(path: Path | None) -> str:
    """What tells this crontab from others, the same from whatever folder it is given."""
    if path is None:
        return f"crontabs/{_own_name()}"
    folder = f"{path.parent.name}/" if path.parent.name in FOLDERS_IN_LABELS else ""
    return (folder + path.name).replace(" ", "_")


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number without a name
        return str(os.getuid())
