"""`onbeat tokens`: what programs come in with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from onbeat.app.facts.access import token_data
from onbeat.cli import inputs
from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.cli.views import access as view
from onbeat.domain.access import Permission, read_permissions
from onbeat.domain.jobs import parse_job_id
from onbeat.domain.users import TOKEN_FOR

tokens = noun("Make, list and revoke tokens for programs.")


@command(tokens, "ls", "onbeat tokens ls", "onbeat tokens ls --user ann")
async def ls(
    asked: Invocation,
    *,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Only this user's.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many.")] = 100,
) -> None:
    """List tokens, those that are over or revoked too."""
    async with asked.without_app().connected() as ob:
        found = await ob.tokens.list(user=user, limit=limit)
    answer = {"tokens": [token_data(each) for each in found]}
    rows = view.token_rows(found, datetime.now(UTC))
    asked.out.show(answer, lambda: asked.out.table(view.TOKENS, rows))
    if not found and not asked.json:
        asked.out.note("no tokens; `onbeat tokens create` makes one")


@command(
    tokens, "create", "onbeat tokens create ci --scopes jobs:read,jobs:enqueue",
    "onbeat tokens create board --scopes jobs:read --user ann --expires-in 30d",
)  # fmt: skip
async def create(
    asked: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    *,
    scopes: Annotated[
        str, typer.Option(metavar="A,B", help=f"What it allows: {', '.join(Permission)}.")
    ],
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose it is; else a service's own.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(metavar="OWNER", help="Whose rows alone it sees.")
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long it is good; 90d unless said.")
    ] = None,
) -> None:
    """Make a token. Its text is shown once, here."""
    allowed = read_permissions(inputs.names("scopes", scopes) or ())
    life = inputs.duration("expires_in", expires_in) or TOKEN_FOR
    async with asked.without_app().connected() as ob:
        made = await ob.tokens.create(
            name, allowed, by=asked.who, user=user, owner=owner, expires_in=life
        )
    answer = {"token": made.text, **token_data(made.token)}
    asked.out.show(answer, lambda: [made.text])
    if not asked.json:
        asked.out.note("it is shown now and never again; send it as `Authorization: Bearer …`")


@command(tokens, "revoke", "onbeat tokens revoke 01a224dee48270009786037438a3877c")
async def revoke(
    asked: Invocation, token: Annotated[str, typer.Argument(metavar="ID", help="The token's id.")]
) -> None:
    """Let a token in no more, from now on."""
    async with asked.without_app().connected() as ob:
        gone = await ob.tokens.revoke(parse_job_id(token, "token"))
    asked.out.show({"token": token_data(gone)}, lambda: [f"{gone.shown}… is revoked"])
