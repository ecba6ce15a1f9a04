"""The page on which the API can be read and tried; all of it is served from here.

Swagger UI draws it, from the files that the package `fastapi-offline` brings along.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from onbeat.api.bodies import PREFIX
from onbeat.api.problems import Problem

router = APIRouter(prefix=PREFIX, include_in_schema=False)

PAGES = Path(__file__).parent / "pages"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""As strict as for all answers, but for the page's own files, its requests, and the small pictures
that its style sheet holds.
"""

OURS = ("start.js",)
DRAWN_BY = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon.png")
"""What the page asks for."""


@router.get("/reference")
async def page() -> Response:
    """The page; open, as the description is that it shows."""
    return FileResponse(
        PAGES / "reference.html",
        headers={"Content-Security-Policy": POLICY},
        media_type="text/html",
    )


@router.get("/reference/{name}")
async def part(name: str) -> Response:
    """A file of it."""
    if name in OURS:
        return FileResponse(PAGES / name)
    if name in DRAWN_BY:
        return FileResponse(_drawn_by() / name, headers={"Cache-Control": "max-age=3600"})
    raise Problem(404, f"the page has no file {name!r}")


def _drawn_by() -> Path:
    """Where the files of Swagger UI lie; the package is looked for and not run."""
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise Problem(
            404, "the page's files are not installed; run `pip install 'onbeat[server]'`; "
            "openapi.json says the same"
        )  # fmt: skip
    return Path(spec.origin).parent / "static"
