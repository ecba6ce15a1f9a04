"""All of it in one web server's process, and a page of how far it is.

uvicorn examples.csv_pipeline.web:app
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI

from examples.csv_pipeline.app import ob
from examples.csv_pipeline.progress import progress
from examples.csv_pipeline.tables import create
from onbeat.api import lifespan, make_asgi

app = FastAPI(title="CSV pipeline", lifespan=lifespan(ob, scheduler=True))


@app.get("/pipeline")
async def pipeline() -> list[dict[str, Any]]:
    """How far each company is."""
    store = await ob.store()
    await store.write(create)
    return [asdict(each) for each in await store.read(progress)]


app.mount("/", make_asgi(ob))
