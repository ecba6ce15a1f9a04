"""Who takes part in the walk, how it looks, and what more than one of its parts does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from examples.cron_tracking.hook import Hook
from examples.cron_tracking.shop import Shop
from examples.showing.board import Board
from examples.showing.person import API, Answer, Person

HISTORY = "/admin/cron-jobs"
LOOK_EVERY = 0.2
DONE, MADE, REFUSED, FORBIDDEN = 200, 201, 400, 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Who takes part."""

    desk: Person
    """The team's admin."""
    viewer: Person
    shop: Shop
    hook: Hook
    board: Board
    database: str
    told_live: list[dict[str, Any]] = field(default_factory=list)
    """Each change, as the WebSocket told it."""
    names: dict[str, str] = field(default_factory=dict)
    """Of the crontab's jobs the names of their schedules, once it was imported."""
    events: list[object] = field(default_factory=list)
    """What the engine told of itself."""

    def name(self, job: str) -> str:
        """Its schedule."""
        return self.names.get(job, job)

    async def get(self, path: str) -> Any:
        """What the desk reads."""
        return (await self.desk.ask("GET", path)).said

    async def post(self, path: str, said: Any = None) -> Answer:
        """What the desk asks for."""
        return await self._ask("POST", path, said)

    async def change(self, path: str, said: Any) -> Answer:
        """What the desk changes."""
        return await self._ask("PATCH", path, said)

    async def put(self, path: str, said: Any) -> Answer:
        """What the desk sets."""
        return await self._ask("PUT", path, said)

    async def _ask(self, method: str, path: str, said: Any) -> Answer:
        answer = await self.desk.ask(method, path, said)
        if answer.status >= REFUSED:
            self.board.tell("", f"refused: {method} {path}: {answer.said['message']}")
        return answer

    async def runs(self, query: str) -> list[dict[str, Any]]:
        """Runs of the history."""
        return await self.desk.listed(f"{HISTORY}?{query}")

    async def patch(self, job: str, said: Any) -> Answer:
        """Change the configuration of a job."""
        return await self.change(f"{HISTORY}/{quote(job, safe='')}", said)

    async def act(self, job: str, what: str, said: Any = None) -> Answer:
        """Trigger, pause or resume a job."""
        return await self._ask("POST", f"{HISTORY}/{quote(job, safe='')}/{what}", said)

    async def incident(self, rule: str, *states: str) -> dict[str, Any] | None:
        """The incident of a rule that is in one of these states."""
        wanted = "&".join(f"state={each}" for each in states)
        found = await self.desk.listed(f"{API}/incidents?rule={rule}&{wanted}")
        return found[0] if found else None
