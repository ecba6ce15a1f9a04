"""Files that are answered piece by piece: who reads slowly is waited for, and nothing piles up.

An error after the first piece ends the connection before the end of the body: over HTTP/1.1 the
last chunk is missing, so that no client takes what it has for the whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import StreamingResponse

from onbeat.app.exports import Format

Wished = Annotated[Format, Query(alias="format", description="csv, or ndjson: JSON, one a line.")]


class FileResponse(StreamingResponse):
    """One of a file; the description of a route names its types itself."""


FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. Of CSV the first line names the columns, and a text that begins "
        "like a formula has a ' before it; NDJSON is exact.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    }
}


async def file(pieces: AsyncIterator[bytes], name: str, form: Format) -> FileResponse:
    """The answer. The first piece is read before it begins: what is wrong by then is told."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return FileResponse(await begun(pieces), headers=headers, media_type=form.media_type)


async def lines(pieces: AsyncIterator[bytes]) -> FileResponse:
    """The same of lines that are read as they come, and are no file."""
    return FileResponse(await begun(pieces), media_type=Format.NDJSON.media_type)


async def begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, of which the first has been read."""
    first = await anext(pieces)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return whole()
