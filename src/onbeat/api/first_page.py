"""The page of the link that the first start prints: a person makes the first admin on it.

The link's token stands behind its #: no browser sends that part, so that it is in no log of a
server or a proxy, and in no `Referer`. A script of ours reads it, and takes it out of the address.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from onbeat.api.auth import gate_of
from onbeat.api.bodies import PREFIX
from onbeat.api.problems import Problem
from onbeat.api.reference import PAGES

router = APIRouter(prefix=PREFIX, include_in_schema=False)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""As strict as for all answers, but for the page's own files and what its script asks."""

PARTS = ("setup.css", "setup.js")


@router.get("/setup")
async def page(request: Request) -> Response:
    """The page; gone, and saying so, once there is somebody. Raises StoreError."""
    is_over = await gate_of(request).ob.users.are_there()
    return FileResponse(
        PAGES / ("setup_over.html" if is_over else "setup.html"),
        status_code=410 if is_over else 200,
        headers={"Content-Security-Policy": POLICY},
        media_type="text/html",
    )


@router.get("/setup/{name}")
async def part(name: str) -> Response:
    """A file of it."""
    if name not in PARTS:
        raise Problem(404, f"the page has no file {name!r}")
    return FileResponse(PAGES / name)
