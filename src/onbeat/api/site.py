"""The web UI: files that were built before, and one page that every address of the UI gives.

The page is told where it stands by how deep the address is that asked for it: so it works under any
path, behind any proxy, and knows of none.
"""

from __future__ import annotations

import gzip
import secrets
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import FileResponse, HTMLResponse, Response

from onbeat.api.problems import Problem

router = APIRouter(include_in_schema=False)

BUILT = Path(__file__).parents[1] / "ui" / "dist"
"""Where `make ui` puts the files, and the package has them."""

PLACES = ("", "jobs", "operations", "workflows", "schedules", "new", "edit", "calendar", "queues",
          "limits", "workers", "clocks", "alerts", "reports", "webhooks", "audit", "users",
          "tokens", "system", "me")  # fmt: skip
"""With what the addresses of pages begin; the rest of them is the UI's own business."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; "
    "form-action 'self'"
)
"""Our own files alone; style sheets that the script writes bear the nonce of this one answer."""

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
"""The name of a built file has a digest of what is in it."""


async def page(request: Request) -> Response:
    """The page, whatever the address; 404 where the UI was not built, and for programs, to which
    such an address is a mistyped one of the API: all but the first, that one looks whether it is
    there.
    """
    within = request.url.path.removeprefix(request.scope.get("root_path", ""))
    accepted = request.headers.get("accept", "*/*")
    if "text/html" not in accepted and not (within == "/" and "*/*" in accepted):
        raise HTTPException(404)
    nonce = secrets.token_urlsafe(16)
    text = _page(_built(request))
    text = text.replace("__BASE__", "../" * (within.count("/") - 1) or "./")
    return HTMLResponse(
        text.replace("__NONCE__", nonce),
        headers={"Content-Security-Policy": POLICY.format(nonce=nonce)},
    )


for place in PLACES:
    router.add_api_route(f"/{place}", page, methods=["GET"])
    if place:
        router.add_api_route(f"/{place}/{{rest:path}}", page, methods=["GET"])


@router.get("/icon.svg")
@router.get("/icon-red.svg")
async def icon(request: Request) -> Response:
    """The sign of the page; red while an incident is open."""
    return FileResponse(_found(_built(request), request.url.path.rpartition("/")[2]))


@router.get("/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """A file that the page asks for, compressed for those that take it so."""
    path = _found(_built(request) / "assets", name)
    if not _takes_gzip(request.headers.get("accept-encoding", "")):
        return FileResponse(path, headers=FOR_EVER)
    headers = {**FOR_EVER, "Content-Encoding": "gzip"}
    return Response(_gzipped(path), headers=headers, media_type=guess_type(name)[0])


def is_built(built: Path = BUILT) -> bool:
    """Whether there is a UI to serve."""
    return (built / "index.html").is_file()


def _built(request: Request) -> Path:
    built: Path = request.app.state.site
    return built


def _found(folder: Path, name: str) -> Path:
    # It is looked for among those that are there: a name can lead nowhere else.
    if name not in _names(folder):
        raise Problem(404, f"the UI has no file {name!r}; load the page again")
    return folder / name


def _takes_gzip(accepted: str) -> bool:
    """Whether it is among those encodings (RFC 9110, 12.5.3), and not with weight 0."""
    for each in accepted.split(","):
        coding, _, weight = each.partition(";")
        if coding.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0").rstrip(".") not in ("q=", "q=0")
    return False


@lru_cache(maxsize=256)
def _gzipped(path: Path) -> bytes:
    # Once for each file: all of them take a second and 0.4 MB, and no build has to make them.
    return gzip.compress(path.read_bytes(), 9)


@lru_cache
def _names(folder: Path) -> frozenset[str]:
    return frozenset(each.name for each in folder.iterdir()) if folder.is_dir() else frozenset()


@lru_cache
def _page(built: Path) -> str:
    try:
        return (built / "index.html").read_text()
    except FileNotFoundError:
        raise Problem(
            404, "the UI is not built here; run `make ui`, or ask the API under /api/v1"
        ) from None
