"""`onbeat users`: who may sign in."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.access import user_data
from onbeat.cli.command import command, noun
from onbeat.cli.inputs import names
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import access as view
from onbeat.domain.access import Permission, Role, read_permissions, read_role
from onbeat.domain.errors import InvalidInput

users = noun("Add, list, change and remove those who may sign in.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name they sign in with.")]
RoleName = Annotated[
    str | None, typer.Option("--role", metavar="ROLE", help=f"One of {', '.join(Role)}.")
]
Grants = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="What they may do besides, as jobs:arguments,code:run."),
]
Password = Annotated[
    bool, typer.Option("--password", help="Ask for a password; a pipe is read from.")
]


@command(users, "ls", "onbeat users ls")
async def ls(
    asked: Invocation,
    *,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")] = 100,
) -> None:
    """List who may sign in."""
    async with asked.without_app().connected() as ob:
        found = await ob.users.list(limit=limit)
    answer = {"users": [user_data(each) for each in found]}
    rows = view.user_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.USERS, rows))
    if not found and not asked.json:
        asked.out.note("no users; `onbeat users create NAME --role admin --password` adds one")


@command(users, "create", "onbeat users create ann --role admin --password")
async def create(
    asked: Invocation, name: Name, *, role: RoleName = None, grants: Grants = None,
    password: Password = False,
) -> None:  # fmt: skip
    """Add somebody; without a password they cannot sign in until they have one."""
    if role is None:
        raise InvalidInput("role", f"none is given; give one of {', '.join(Role)}")
    wanted, granted = read_role(role), _granted(grants) or frozenset()
    secret = _ask(name) if password else None
    async with asked.without_app().connected() as ob:
        made = await ob.users.create(name, wanted, by=asked.who, password=secret, grants=granted)
    asked.out.show({"user": user_data(made)}, lambda: [f"{made.name} may come in: {made.role}"])


@command(users, "edit", "onbeat users edit ann --role operator",
         "onbeat users edit ann --password", "onbeat users edit bob --disable")  # fmt: skip
async def edit(
    asked: Invocation, name: Name, *, role: RoleName = None, grants: Grants = None,
    password: Password = False,
    disable: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Whether they are kept out.")
    ] = None,
) -> None:  # fmt: skip
    """Change what is given; a new password, and --disable, sign out everywhere."""
    if role is None and grants is None and not password and disable is None:
        raise InvalidInput("edit", "nothing is to change; see `onbeat users edit --help`")
    secret = _ask(name) if password else None
    async with asked.without_app().connected() as ob:
        changed = await ob.users.change(
            name, role=None if role is None else read_role(role), grants=_granted(grants),
            password=secret, disabled=disable,
        )  # fmt: skip
    asked.out.show({"user": user_data(changed)}, lambda: [f"{changed.name} is changed"])


@command(users, "rm", "onbeat users rm bob")
async def rm(asked: Invocation, name: Name) -> None:
    """Remove somebody, with all tokens and sign-ins."""
    async with asked.without_app().connected() as ob:
        await ob.users.remove(name)
    asked.out.show({"removed": name}, lambda: [f"{name} is removed"])


def _granted(text: str | None) -> frozenset[Permission] | None:
    if text is None:
        return None
    given = () if text == "" else names("grants", text) or ()
    return read_permissions(given, "grants")


def _ask(name: str) -> str:
    """A password, typed twice, or one line of a pipe."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass(f"password of {name}: ")
    if getpass.getpass("once more: ") != first:
        raise InvalidInput("password", "the two are not the same; try again")
    return first
