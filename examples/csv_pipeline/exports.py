"""A server that gives companies' files, as theirs do: for demo and tests."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web


class ExportServer:
    """Lists `/COMPANY/`, gives `/COMPANY/FILE`, and counts what it gave."""

    def __init__(self, root: Path) -> None:
        """Of the folders in there."""
        self._root = root
        self.given: list[str] = []

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.add_routes([
            web.get("/{company}/", self._list),
            web.get("/{company}/{file}", self._give),
        ])  # fmt: skip
        return app

    async def _list(self, request: web.Request) -> web.Response:
        folder = self._root / Path(request.match_info["company"]).name
        found = [(path.name, path.stat()) for path in sorted(folder.glob("*.csv"))]
        return web.json_response(
            [{"name": name, "mark": f"{at.st_mtime_ns}-{at.st_size}"} for name, at in found]
        )

    async def _give(self, request: web.Request) -> web.StreamResponse:
        company, file = (Path(request.match_info[name]).name for name in ("company", "file"))
        self.given.append(f"{company}/{file}")
        return web.FileResponse(self._root / company / file)
