"""From start to end: who may come in, the receiver, the walk, and what was seen."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import jwt

from examples.user_jobs.app import ob
from examples.user_jobs.board import Board
from examples.user_jobs.person import Person, bearer
from examples.user_jobs.receiver import Receiver, receiving
from examples.user_jobs.walk import Walk, walk_all
from onbeat import InvalidSetting, NotFound
from onbeat.api import Served, served
from onbeat.domain.access import Role

PATIENCE = 60.0
"""Seconds in which all must have been seen, unless it is said."""

DAY = timedelta(days=1)
MISSING = 1


async def run(seconds: float | None) -> int:
    """Run it; the exit code: 1 where something that is promised was not seen."""
    await ob.migrate()
    board = Board()
    async with ob, receiving(board.told_by_webhook) as receiver:
        listening = _listen()
        password = secrets.token_urlsafe(9)
        tokens = {"AMY": await _enter("amy", Role.OWNER, password), "BOB": _issued("bob"),
                  "DESK": await _enter("desk", Role.ADMIN, password)}  # fmt: skip
        _tell_who(listening, receiver, tokens, password)
        async with (
            ob.running(more=[listening.make]),
            aiohttp.ClientSession(listening.address) as http,
        ):
            people = {name.lower(): bearer(http, token) for name, token in tokens.items()}
            await walk_all(
                Walk(
                    **people, nobody=Person(http), password=password, receiver=receiver,
                    board=board, gives_up=time.monotonic() + (seconds or PATIENCE),
                )
            )  # fmt: skip
            print(board.summary(), flush=True)
            if seconds is None:
                await _until_stopped(listening.address)
    return MISSING if board.missing else 0


def _listen() -> Served:
    """Where the settings say; where that is taken, wherever it is free."""
    try:
        return served(ob)
    except InvalidSetting:
        return served(ob, replace(ob.settings, port=0))


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


async def _until_stopped(address: str) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    print(f"Goes on at {address} until Ctrl-C.", flush=True)
    await stop.wait()
