"""A server with the files of a company, some of which cannot be had."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from aiohttp import web
from examples.csv_pipeline.batch_server import serving
from examples.csv_pipeline.importing import CsvImport
from examples.csv_pipeline.sources import Exports

from onbeat import Onbeat
from tests.csv_pipeline.conftest import HOURLY, Pipeline

HEADER = "session_id,started_at,message,updated_at"


class Files:
    """Lists these, and has those that are not None."""

    def __init__(self, **files: str | None) -> None:
        self.files = files
        self.fetched: list[str] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/acme/", self._list), web.get("/acme/{name}", self._give)])
        return app

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response([{"name": name, "mark": "1"} for name in self.files])

    async def _give(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.fetched.append(name)
        found = self.files[name]
        if found is None:
            return web.Response(status=404)
        return web.Response(text=f"{HEADER}\n{found}")


@asynccontextmanager
async def fetching(
    pipeline: Pipeline, ob: Onbeat, theirs: Files, at_once: int = 10, largest: int = 10_000
) -> AsyncIterator[CsvImport]:
    """An importer of acme's files from there, so many in a run."""
    await pipeline.has("acme", source="http")
    async with serving(theirs.app()) as address:
        yield CsvImport(
            pipeline.store, id="csv-import", when=HOURLY,
            options=replace(pipeline.options, batch_size=at_once),
            exports=Exports(ob.client("csv-exports", url=address, largest_answer=largest)),
        )  # fmt: skip
