"""A user of the application, as their program asks it: over HTTP, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

SCHEDULES = "/jobs/schedule"
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    said: Any
    """JSON, as it was read; None where it is something else."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks the API, known by the headers that are sent along."""

    http: aiohttp.ClientSession
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def ask(self, method: str, path: str, said: Any = None) -> Answer:
        """One request."""
        async with self.http.request(method, path, json=said, headers=self.headers) as answer:
            is_json = answer.content_type.endswith("json")
            return Answer(answer.status, await answer.json(content_type=None) if is_json else None)

    async def listed(self, path: str, within: str = "data") -> list[dict[str, Any]]:
        """What a list holds, as much of it as a page has."""
        found: list[dict[str, Any]] = (await self.ask("GET", path)).said[within]
        return found

    async def schedule(self, name: str, data: Any, when: Any, **options: Any) -> str:
        """Schedule a task for oneself; the id of the schedule."""
        body = {"name": name, "data": data, "schedule": when, "options": options}
        return str((await self.ask("POST", SCHEDULES, body)).said["schedulerId"])

    async def sign_in(self, name: str, password: str) -> Person:
        """The same at the web UI, whose pages ask with a cookie from there on."""
        body = {"name": name, "password": password}
        async with self.http.post(f"{API}/auth/login", json=body) as answer:
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
            token = (await answer.json())["csrf_token"]
        return Person(self.http, {"Cookie": cookie, "X-CSRF-Token": token})

    @asynccontextmanager
    async def following(self, hear: Callable[[dict[str, Any]], None]) -> AsyncIterator[None]:
        """Hear of each change of one's jobs, as it comes, until the block ends."""
        async with self.http.ws_connect(f"{API}/ws", headers=self.headers) as socket:
            await socket.send_json({"type": "subscribe", "topics": ["jobs"]})
            await socket.receive_json()  # `subscribed`: from here on every change is told
            reading = asyncio.create_task(_read(socket, hear))
            try:
                yield
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading


async def _read(
    socket: aiohttp.ClientWebSocketResponse, hear: Callable[[dict[str, Any]], None]
) -> None:
    async for message in socket:
        for change in message.json().get("changes", []):
            hear(change)


def bearer(http: aiohttp.ClientSession, token: str) -> Person:
    """Who comes with a token, of Onbeat or of another issuer."""
    return Person(http, {"Authorization": f"Bearer {token}"})
