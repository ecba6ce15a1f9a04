"""From start to end: files, servers, instances, the walk, and what was seen."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from examples.csv_pipeline.anew import is_made_here, make_anew, note_made
from examples.csv_pipeline.app import ob, options
from examples.csv_pipeline.batch_server import BatchServer, serving
from examples.csv_pipeline.exports import ExportServer
from examples.csv_pipeline.fleet import fleet
from examples.csv_pipeline.generate import generate
from examples.csv_pipeline.walk import Walk, walk_all
from examples.showing.board import Board
from examples.showing.serving import listen, until_stopped
from onbeat import Conflict, InvalidInput
from onbeat.domain.access import Role

PATIENCE = 90.0
"""Seconds in which all must have been seen, unless it is said."""

DAY = timedelta(days=1)
MISSING = 1


async def run(seconds: float | None, rows: int, *, wipe: bool = False) -> int:
    """Run it; the exit code: 1 where something that is promised was not seen."""
    generate(options.files, rows)
    await ob.migrate()
    server, board = BatchServer(), Board()
    async with (
        ob,
        serving(ExportServer(options.files).app(), _port(options.exports_url)),
        serving(server.app(), _port(options.batch_url)),
    ):
        await (await ob.store()).write(partial(make_anew, wipe=wipe))
        listening, (token, password) = listen(ob), await _let_in(wipe=wipe)
        print(f"Web UI and API at {listening.address}: sign in as desk, password {password}")
        with fleet(_log()) as others:
            for name in ("one", "two"):
                others.start(name)
            async with (
                ob.running(worker=False, more=[listening.make]),
                aiohttp.ClientSession(listening.address) as http,
            ):
                board.gives_up = time.monotonic() + (seconds or PATIENCE)
                await walk_all(Walk(
                    http=http, token=token, folder=options.files, fleet=others, board=board,
                    server=server,
                ))  # fmt: skip
                print(board.summary(), flush=True)
                if seconds is None:
                    await until_stopped(listening.address, f"; put files into {options.files}")
    return MISSING if board.missing else 0


def _port(url: str | None) -> int:
    return urlsplit(url or "").port or 0


def _log() -> Path:
    return options.files.parent / "instances.log"


async def _let_in(*, wipe: bool) -> tuple[str, str]:
    """Somebody who may do everything: a token and a password. Raises InvalidInput."""
    password, store = secrets.token_urlsafe(9), await ob.store()
    try:
        await ob.users.create("desk", Role.ADMIN, by="demo", password=password)
        await store.write(partial(note_made, what="desk"))
    except Conflict:
        if not (wipe or await store.read(partial(is_made_here, what="desk"))):
            told = "a person desk is there already; give --wipe to set another password for it"
            raise InvalidInput("desk", told) from None
        await ob.users.change("desk", password=password)
    made = await ob.tokens.create(
        "demo", Role.ADMIN.permissions, by="demo", user="desk", expires_in=DAY
    )  # fmt: skip
    return made.text, password
