"""All of it in one web server's process, and a page of how far it is.

uvicorn examples.csv_pipeline.web:app
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from fastapi import FastAPI

from examples.csv_pipeline.app import ob
from examples.csv_pipeline.progress import progress
from examples.csv_pipeline.tables import create
from onbeat.api import lifespan, make_asgi

_runs = lifespan(ob, scheduler=True)


@asynccontextmanager
async def _alive(app: FastAPI) -> AsyncIterator[None]:
    """Have the tables also where no service runs here that would make them."""
    async with _runs(app):
        await (await ob.store()).write(create)
        yield


app = FastAPI(title="CSV pipeline", lifespan=_alive)


@app.get("/pipeline")
async def pipeline() -> list[dict[str, Any]]:
    """How far each company is."""
    return [asdict(each) for each in await (await ob.store()).read(progress)]


app.mount("/", make_asgi(ob))
