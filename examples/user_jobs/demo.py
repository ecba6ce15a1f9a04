"""From start to end: who may come in, the receiver, the walk, and what was seen."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta

import aiohttp
import jwt

from examples.showing.person import Person, bearer
from examples.showing.serving import listen, until_stopped
from examples.user_jobs.app import ob
from examples.user_jobs.board import Ends
from examples.user_jobs.receiver import Receiver, receiving
from examples.user_jobs.walk import Walk, walk_all
from onbeat import NotFound
from onbeat.api import Served
from onbeat.domain.access import Role

PATIENCE = 60.0
"""Seconds in which all must have been seen, unless it is said."""

DAY = timedelta(days=1)
MISSING = 1


async def run(seconds: float | None) -> int:
    """Run it; the exit code: 1 where something that is promised was not seen."""
    await ob.migrate()
    board = Ends()
    async with ob, receiving(board.told_by_webhook) as receiver:
        listening = listen(ob)
        password = secrets.token_urlsafe(9)
        tokens = {"AMY": await _enter("amy", Role.OWNER, password), "BOB": _issued("bob"),
                  "DESK": await _enter("desk", Role.ADMIN, password)}  # fmt: skip
        _tell_who(listening, receiver, tokens, password)
        async with (
            ob.running(more=[listening.make]),
            aiohttp.ClientSession(listening.address) as http,
        ):
            board.gives_up = time.monotonic() + (seconds or PATIENCE)
            people = {name.lower(): bearer(http, token) for name, token in tokens.items()}
            await walk_all(
                Walk(
                    **people, nobody=Person(http), password=password, receiver=receiver,
                    board=board,
                )
            )  # fmt: skip
            print(board.summary(f"; ended: {board.counts}"), flush=True)
            if seconds is None:
                await until_stopped(listening.address)
    return MISSING if board.missing else 0


async def _enter(name: str, role: Role, password: str) -> str:
    """Let somebody sign in with a new password; a token for their programs."""
    try:
        await ob.users.change(name, password=password)
    except NotFound:
        await ob.users.create(name, role, by="demo", password=password)
    made = await ob.tokens.create("demo", role.permissions, by="demo", user=name, expires_in=DAY)
    return made.text


def _issued(name: str) -> str:
    """A token (JWT) as the team's own sign-in would issue it: no account here is needed."""
    claims = {"userId": name, "exp": datetime.now(UTC) + DAY}
    return jwt.encode(claims, ob.settings.jwt_secret or "", "HS256")


def _tell_who(listening: Served, receiver: Receiver, tokens: dict[str, str], password: str) -> None:
    print(f"Web UI and API at {listening.address}: sign in as amy (a user) or desk (the team), "
          f"password {password}")  # fmt: skip
    values = {"API": listening.address, "HOOK": receiver.url, **tokens}
    print("\n".join(f"export {name}={value}" for name, value in values.items()), flush=True)
