"""Answers that are kept for a while in this process, and for others where a Redis is given.

Who asks has been let in before: nothing is looked for here until it is known who it is. The key of
an answer holds who may see what, all that was asked for, the database with its environment, and the
edition of what is shown (domain/keeping.py). An answer is made once for all who wait for it: who
asks while one is made that began before is given the next one, not that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from onbeat import __version__
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Principal
from onbeat.domain.errors import OnbeatError
from onbeat.domain.keeping import Counted, Figures, From, Keeping, Kept, Shelf, key_of
from onbeat.domain.url_passwords import hide_passwords
from onbeat.outbound.shared_shelf import SharedAnswer, SharedShelf, is_installed
from onbeat.store import editions
from onbeat.timing import SystemTiming, Timing

Make = Callable[[], Awaitable[Response]]
NEVER_MIND: Final = float("inf")

AGE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            "Age": {
                "description": "Seconds since it was made; only of an answer that was kept "
                "(RFC 9111 §5.1). `Cache-Control: no-cache` or `max-age` asks for a newer one.",
                "schema": {"type": "integer"},
            }
        }
    }
}
"""What is said of a route whose answers are kept."""


@dataclass(slots=True)
class _Flight:
    """The making of one answer, one at a time, for all who wait for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    made: Kept | None = None
    failed: tuple[float, Exception] | None = None
    """When the making began that failed last, and how."""


class Answers:
    """What a process keeps."""

    def __init__(self, ob: Onbeat, shared: SharedShelf | None = None) -> None:
        """Keep answers about `ob`, and share them over `shared`."""
        self._ob = ob
        self.shared = shared
        self._timing: Timing = SystemTiming()
        self._shelf = Shelf()
        self._flights: dict[str, _Flight] = {}
        self._counted = Counted()
        self._identities: dict[str, Any] = {}
        self._changes = 0

    @classmethod
    def of(cls, ob: Onbeat) -> Answers:
        """Those of an application, with the Redis of its settings, if what talks to it is there."""
        url = ob.settings.redis_url
        return cls(
            ob, SharedShelf(url, __version__) if url is not None and is_installed() else None
        )

    def changed(self) -> None:
        """Something was changed through this process."""
        self._changes += 1

    def figures(self) -> Figures:
        """How well it does."""
        is_up = None if self.shared is None else self.shared.is_up
        return Figures(answers=self._counted.all(), bytes=self._shelf.bytes, is_redis_up=is_up)

    async def get(
        self, keeping: Keeping, asker: Principal, asked: Any, make: Make, wished: float = NEVER_MIND
    ) -> Response:
        """The answer to what was `asked`, at most `wished` seconds old, or made now by `make`."""
        self._timing = (await self._ob.store()).timing  # a test's own, within it
        fresh_for, began = min(keeping.fresh_for, wished), self._timing.monotonic()
        key = await self._key(keeping, asker, asked)
        if (kept := self._on_shelf(key, fresh_for)) is not None:
            return self._told(keeping, From.MEMORY, kept)
        async with self._flying(key) as flight:
            if flight.failed is not None and flight.failed[0] >= began:
                raise flight.failed[1]
            if flight.made is not None and flight.made.began >= began:
                return self._told(keeping, From.OTHERS, flight.made)
            if (kept := self._on_shelf(key, fresh_for)) is not None:
                return self._told(keeping, From.MEMORY, kept)
            if (kept := await self._in_redis(keeping, key, fresh_for)) is not None:
                return self._told(keeping, From.REDIS, kept)
            kept = await self._made(flight, make)
            await self._keep(keeping, key, kept)
            return self._told(keeping, From.DATABASE, kept)

    async def close(self) -> None:
        """Disconnect."""
        if self.shared is not None:
            await self.shared.close()

    async def _key(self, keeping: Keeping, asker: Principal, asked: Any) -> str:
        edition: Any = None
        if keeping.shows or keeping.follows_ends:
            store = await self._ob.store()
            edition = await store.read(
                lambda connection, now: editions.read(
                    connection, now, keeping.shows, follows_ends=keeping.follows_ends
                )
            )
        changes = self._changes if keeping.follows_changes else None
        sees = sorted(asker.permissions)
        where = hide_passwords(self._ob.url)  # the environment is in it
        return key_of(keeping, where, asker.owner, sees, asked, edition, changes)

    def _on_shelf(self, key: str, fresh_for: float) -> Kept | None:
        found = self._shelf.get(key)
        if found is None or self._timing.monotonic() - found.began >= fresh_for:
            return None
        return found

    @asynccontextmanager
    async def _flying(self, key: str) -> AsyncIterator[_Flight]:
        """Alone with what is being made of that key; it is forgotten when nobody waits for it."""
        flight = self._flights.setdefault(key, _Flight())
        flight.waiting += 1
        try:
            async with flight.lock:
                yield flight
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                del self._flights[key]

    async def _made(self, flight: _Flight, make: Make) -> Kept:
        began = self._timing.monotonic()
        try:
            answer = await make()
        except Exception as error:
            flight.failed = began, error
            raise
        headers = {name: value for name, value in answer.headers.items() if name in KEPT_HEADERS}
        kept = Kept(body=bytes(answer.body), headers=headers, began=began)
        flight.made = kept
        return kept

    async def _keep(self, keeping: Keeping, key: str, kept: Kept) -> None:
        if not keeping.fresh_for:
            return
        self._shelf.put(key, kept)
        name = await self._shared_name(keeping, key)
        if self.shared is not None and name is not None:
            left = keeping.fresh_for - (self._timing.monotonic() - kept.began)
            await self.shared.put(name, SharedAnswer(kept.body, dict(kept.headers)), left)

    async def _in_redis(self, keeping: Keeping, key: str, fresh_for: float) -> Kept | None:
        name = await self._shared_name(keeping, key)
        if self.shared is None or name is None or fresh_for <= 0:
            return None
        found = await self.shared.get(name, keeping.fresh_for)
        if found is None or found[1] >= fresh_for:
            return None
        answer, age = found
        kept = Kept(body=answer.body, headers=answer.headers, began=self._timing.monotonic() - age)
        self._shelf.put(key, kept)
        return kept

    async def _shared_name(self, keeping: Keeping, key: str) -> str | None:
        """Under which name other processes on this database know it; None where they do not."""
        if self.shared is None or not (keeping.is_shared and self._timing.is_real):
            return None
        url = self._ob.url
        if url not in self._identities:
            try:
                self._identities[url] = await (await self._ob.store()).read(editions.identity)
            except (OnbeatError, OSError):
                return None
        return key_of(keeping, self._identities[url], key)

    def _told(self, keeping: Keeping, place: From, kept: Kept) -> Response:
        self._counted.add(keeping, place)
        answer = Response(kept.body, headers=dict(kept.headers))
        if place in (From.MEMORY, From.REDIS):
            answer.headers["Age"] = str(int(self._timing.monotonic() - kept.began))
        return answer


KEPT_HEADERS: Final = ("content-type", "content-disposition", "content-security-policy", "vary")


def answers_of(request: Request) -> Answers:
    """Those of the application."""
    answers: Answers = request.app.state.answers
    return answers


async def kept(
    request: Request, asker: Principal, keeping: Keeping, make: Make, *varies: Any
) -> Response:
    """The answer to a request, kept as `keeping` says; it depends on the request's address, and on
    what else it `varies` with.
    """
    asked = [request.url.path, sorted(request.query_params.multi_items()), *varies]
    wished = wished_age(request.headers.get("cache-control", ""))
    return await answers_of(request).get(keeping, asker, asked, make, wished)


_MAX_AGE = re.compile(r'max-age="?(\d{1,9})"?')


def wished_age(header: str) -> float:
    """How many seconds old an answer may be that somebody asks for (RFC 9111 §5.2.1)."""
    directives = [each.strip().lower() for each in header.split(",")]
    if "no-cache" in directives or "no-store" in directives:
        return 0.0
    ages = [float(found[1]) for each in directives if (found := _MAX_AGE.fullmatch(each))]
    return min(ages, default=NEVER_MIND)
