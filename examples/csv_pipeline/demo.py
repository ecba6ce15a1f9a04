"""From start to end: files, servers, instances, the walk, and what was seen."""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from sqlalchemy import Connection

from examples.csv_pipeline.app import ob, options
from examples.csv_pipeline.batch_server import BatchServer, serving
from examples.csv_pipeline.board import Board
from examples.csv_pipeline.exports import ExportServer
from examples.csv_pipeline.fleet import fleet
from examples.csv_pipeline.generate import generate
from examples.csv_pipeline.tables import metadata
from examples.csv_pipeline.walk import Walk, walk_all
from onbeat import InvalidSetting, NotFound
from onbeat.api import Served, served
from onbeat.domain.access import Role

PATIENCE = 90.0
"""Seconds in which all must have been seen, unless it is said."""

DAY = timedelta(days=1)
MISSING = 1


async def run(seconds: float | None, rows: int) -> int:
    """Run it; the exit code: 1 where something that is promised was not seen."""
    generate(options.files, rows)
    await ob.migrate()
    server, board = BatchServer(), Board()
    async with (
        ob,
        serving(ExportServer(options.files).app(), _port(options.exports_url)),
        serving(server.app(), _port(options.batch_url)),
    ):
        await (await ob.store()).write(_anew)
        listening, (token, password) = _listen(), await _let_in()
        print(f"Web UI and API at {listening.address}: sign in as desk, password {password}")
        with fleet(_log()) as others:
            for name in ("one", "two"):
                others.start(name)
            async with (
                ob.running(worker=False, more=[listening.make]),
                aiohttp.ClientSession(listening.address) as http,
            ):
                gives_up = time.monotonic() + (seconds or PATIENCE)
                await walk_all(Walk(
                    http=http, token=token, folder=options.files, fleet=others, board=board,
                    server=server, gives_up=gives_up,
                ))  # fmt: skip
                print(board.summary(), flush=True)
                if seconds is None:
                    await _until_stopped(listening.address)
    return MISSING if board.missing else 0


def _anew(connection: Connection, now: object) -> None:
    """Begin without what was there: it is of other files."""
    metadata.drop_all(connection)
    metadata.create_all(connection)


def _port(url: str | None) -> int:
    return urlsplit(url or "").port or 0


def _log() -> Path:
    return options.files.parent / "instances.log"


def _listen() -> Served:
    """Where the settings say; where that is taken, wherever it is free."""
    try:
        return served(ob)
    except InvalidSetting:
        return served(ob, replace(ob.settings, port=0))


async def _let_in() -> tuple[str, str]:
    """Somebody who may do everything: a token and a password."""
    password = secrets.token_urlsafe(9)
    try:
        await ob.users.change("desk", password=password)
    except NotFound:
        await ob.users.create("desk", Role.ADMIN, by="demo", password=password)
    made = await ob.tokens.create(
        "demo", Role.ADMIN.permissions, by="demo", user="desk", expires_in=DAY
    )  # fmt: skip
    return made.text, password


async def _until_stopped(address: str) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop.set)
    print(f"Goes on at {address} until Ctrl-C; put files into {options.files}.", flush=True)
    await stop.wait()
