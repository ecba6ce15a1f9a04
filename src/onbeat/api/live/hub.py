"""Who listens in this process, and the one loop that reads for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from onbeat.api.live.client import MOST_BEHIND, Check, Client, Closing, shown
from onbeat.api.live.position import Position
from onbeat.api.live.reader import Look, Reader
from onbeat.api.live.ring import Audience, Chunk, Kept, Ring, narrowed
from onbeat.app.onbeat import Onbeat
from onbeat.domain.access import Principal
from onbeat.domain.errors import Forbidden, StoreError, StoreUnavailable, Unauthenticated
from onbeat.domain.live import Follow, News, Topic, allowed
from onbeat.store.changes import MOST_LINES
from onbeat.store.store import Store

EVERY = 0.25
"""Seconds from one look to the next."""

IDLE_EVERY = 0.5
"""The same after looks that found nothing."""

SHARE = 4
"""A look that took long is followed by a rest of so many times as long."""

BLIND_EVERY = 5.0
"""The same where all were asked to read anew: that is work for them, and for the database."""

LINGER = 60.0
"""Seconds that it reads on when the last client has left: they come back."""

CHECK_EVERY = 10.0
"""Seconds between two looks whether clients may still listen."""

AWAY = 1.0
"""Seconds of rest after a look that failed: nothing that is wanted cuts them short."""

MOST_AWAY = 30.0
"""The same after several in a row: each makes clients read anew."""

UNAUTHENTICATED, FORBIDDEN = 4401, 4403
"""Close codes of our own (RFC 6455 §7.4.2)."""

IDLE = 60.0
"""Seconds for which one may follow nothing."""

POLICY = 1008
RESTARTS = 1012
FAILED = 1011

ALL_KNOWN = frozenset({Follow.AUDIT, Follow.WORKERS})
"""Topics of which no attempt is."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Topics that a client wants to follow, from a place on or from now on."""

    client: Client
    topics: frozenset[Topic]
    since: Position | None


class Hub:
    """The live updates of one process."""

    def __init__(self, ob: Onbeat, most: int) -> None:
        """For at most so many clients of `ob`."""
        self._ob = ob
        self._most = most
        self._clients: set[Client] = set()
        self._wishes: list[_Wish] = []
        self._wanted = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._is_closed = False
        self._rest_after_failure = 0.0
        """Seconds; none after a look that went well."""
        self._check_now = asyncio.Event()
        self._reader: Reader | None = None
        self._ring: Ring | None = None
        self._told_until: float | None = None
        """All of before is told (s, monotonic); none while nothing is read."""

    def behind(self, now: float) -> float | None:
        """For how long before `now` (s, monotonic) changes may not be told; None while nobody
        listens.
        """
        return None if self._told_until is None else now - self._told_until

    @property
    def listeners(self) -> int:
        """How many clients there are, by WebSocket or as streams of events."""
        return len(self._clients)

    @property
    def is_full(self) -> bool:
        """Whether no more clients are taken."""
        return self._is_closed or len(self._clients) >= self._most

    async def join(self, asker: Principal, check: Check, credential: str) -> Client:
        """A new client; `leave` must follow."""
        store = await self._ob.store()
        client = Client(asker, check, credential, store.timing)
        client.now_at = lambda: self._place_of(client)
        self._clients.add(client)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(store), name="onbeat-live")
        return client

    def leave(self, client: Client) -> None:
        """It is gone."""
        self._clients.discard(client)
        self._wishes = [each for each in self._wishes if each.client is not client]
        self._wanted.set()

    def subscribe(
        self, client: Client, topics: Iterable[Topic], since: Position | None
    ) -> None:  # fmt: skip
        """Let it follow these too, from the next look on; it is told when that is so."""
        self._wishes.append(_Wish(client, frozenset(topics), since))
        self._wanted.set()

    def wanted(self, client: Client) -> frozenset[Topic]:
        """All it follows, or is to follow soon."""
        wishes = (each.topics for each in self._wishes if each.client is client)
        return client.topics.union(*wishes)

    def unsubscribe(self, client: Client, topics: Iterable[Topic]) -> None:
        """Let it follow these no more."""
        gone = frozenset(topics)
        client.topics -= gone
        client.say({"type": "unsubscribed", "topics": shown(gone)})

    async def close(self) -> None:
        """End all; they may come back at once, to another process."""
        self._is_closed = True
        for client in list(self._clients):
            client.end(RESTARTS, "the server restarts; come back")
        working, self._working = self._working, None
        if working is not None:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

    async def _work(self, store: Store) -> None:
        """Read for those who listen, and look that they may."""
        checking = asyncio.create_task(self._keep_checking(store))
        left_at: float | None = None
        self._told_until = store.timing.monotonic()
        try:
            while self._ob.is_connected and not self._has_lingered(store, left_at):
                self._wanted.clear()
                rest = await self._once(store)
                left_at = None if self._clients else left_at or store.timing.monotonic()
                wakes = asyncio.Event() if self._rest_after_failure else self._wanted
                await store.timing.wait(wakes, rest)
        finally:
            checking.cancel()
            self._reader = self._ring = None
            self._told_until = None

    def _has_lingered(self, store: Store, left_at: float | None) -> bool:
        return left_at is not None and store.timing.monotonic() - left_at > LINGER

    async def _once(self, store: Store) -> float:
        """One look, and what follows; for how long to rest."""
        began = store.timing.monotonic()
        try:
            look = await self._look(store)
        except StoreError:
            self._rest_after_failure = AWAY
            return AWAY
        except Exception:
            log.exception("live updates: a look failed; clients are to read anew")
            self._reader = self._ring = None
            self._all_read_anew("something failed here")
            self._rest_after_failure = min(max(AWAY, 2 * self._rest_after_failure), MOST_AWAY)
            return self._rest_after_failure
        self._rest_after_failure = 0.0
        self._told_until = began
        if look.is_blind:
            return BLIND_EVERY
        took = store.timing.monotonic() - began
        return max(EVERY if look.news else IDLE_EVERY, SHARE * took)

    async def _look(self, store: Store) -> Look:
        wishes, self._wishes = self._wishes, []
        try:
            reader, ring = await self._readers(store)
            look = await reader.look(self._jobs(wishes))
            ring.add(look)
            self._spread(ring.last)
            while wishes:
                await self._grant(reader, ring, wishes[0])
                del wishes[0]
        finally:
            self._wishes = [*wishes, *self._wishes]
        ring.last.forget_most()
        if look.changes_access:
            self._check_now.set()
        return look

    async def _readers(self, store: Store) -> tuple[Reader, Ring]:
        if self._reader is None or self._ring is None:
            reader = Reader(store)
            self._ring = Ring(await reader.begin(), reader.filled_since)
            self._reader = reader
        return self._reader, self._ring

    def _jobs(self, wishes: Collection[_Wish]) -> set[str]:
        """Those that somebody looks at."""
        followed = [client.topics for client in self._clients]
        followed += [wish.topics for wish in wishes]
        return {each.name for topics in followed for each in topics if each.follow is Follow.JOB}

    def _spread(self, kept: Kept) -> None:
        """Tell all who follow something of it."""
        if kept.look.is_blind:
            self._all_read_anew("there was too much to tell")
            return
        for client in self._clients:
            if client.topics and (chunk := kept.chunk(client.audience())) is not None:
                client.tell(chunk)

    def _all_read_anew(self, why: str) -> None:
        for client in self._clients:
            if client.topics:
                client.read_anew(client.topics, self._place_of(client), why)

    def _place_of(self, client: Client) -> str | None:
        if self._ring is None:
            return None
        return str(narrowed(self._ring.last.look.position, client.topics))

    async def _grant(self, reader: Reader, ring: Ring, wish: _Wish) -> None:
        """Fulfil a wish; one that cannot be must not keep the others waiting."""
        try:
            await self._fulfil(reader, ring, wish)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("live updates: a client could not be let follow what it wants")
            wish.client.refuse("failed", "something went wrong here; the log has it")

    async def _fulfil(self, reader: Reader, ring: Ring, wish: _Wish) -> None:
        """Let the client follow what it wants, and tell it what it has missed of that."""
        client = wish.client
        if client not in self._clients:
            return
        chunks = await self._missed(reader, ring, wish)
        client.topics |= wish.topics
        place = self._place_of(client)
        since = place if wish.since is None else str(wish.since)
        client.subscribed(wish.topics, since)
        if chunks is None:
            client.read_anew(wish.topics, place, "it was too long ago")
            return
        for chunk in chunks:
            client.tell(chunk)

    async def _missed(self, reader: Reader, ring: Ring, wish: _Wish) -> list[Chunk] | None:
        """What was missed; None where that is not known, or too much."""
        if wish.since is None:
            return []
        again = ring.since(wish.since)
        if again is None:
            return None
        audience = wish.client.audience(wish.topics)
        chunks = [await self._lines(reader, wish.since, audience)]
        if again.first is not None:
            chunks.append(await self._filled(reader, again.first, audience))
        chunks += [kept.chunk(audience) for kept in again.looks]
        there = [each for each in chunks if each is not None]
        is_much = sum(len(each.changes) for each in there) > MOST_BEHIND
        return None if is_much or _UNKNOWN in there else there

    async def _filled(
        self, reader: Reader, first: tuple[Position, tuple[News, ...]], audience: Audience
    ) -> Chunk | None:
        """What lies before this process began to read."""
        follows = {each.follow for each in audience.topics}
        waiting = await reader.waiting() if follows - ALL_KNOWN else ()
        if waiting is None or Follow.WORKERS in follows:
            return _UNKNOWN
        news = Kept(Look(first[0].at, first[0].at, first[0], (*waiting, *first[1])))
        return news.chunk(audience)

    async def _lines(self, reader: Reader, since: Position, audience: Audience) -> Chunk | None:
        """Log lines that were written meanwhile."""
        jobs = {each.name for each in audience.topics if each.follow is Follow.JOB}
        known = {job: places for job, places in since.lines.items() if job in jobs}
        if not known or not audience.may_see:
            return None
        news = await reader.lines(known)
        if len(news) >= MOST_LINES:
            return _UNKNOWN
        fitting = [each.told for each in news if audience.fits(each)]
        return Chunk(str(since), fitting) if fitting else None

    async def _keep_checking(self, store: Store) -> None:
        """Look again and again whether clients may still listen."""
        while True:
            if await store.timing.wait(self._check_now, CHECK_EVERY):
                self._check_now.clear()
            checked: dict[str, Principal | Closing | None] = {}
            for client in list(self._clients):
                if not self.wanted(client) and store.timing.monotonic() - client.came_at > IDLE:
                    client.end(POLICY, "nothing is followed; subscribe, or leave")
                if client.credential not in checked:
                    checked[client.credential] = await _checked(client)
                self._apply(client, checked[client.credential])

    def _apply(self, client: Client, now: Principal | Closing | None) -> None:
        if isinstance(now, Closing):
            client.refuse("unauthenticated", now.reason)
            client.end(now.code, now.reason)
        elif now is not None and not allowed(client.topics, now):
            client.refuse("forbidden", "you may not follow all of this any more; come back")
            client.end(FORBIDDEN, "not allowed any more")
        elif now is not None:
            client.asker = now


async def _checked(client: Client) -> Principal | Closing | None:
    """Who it is by now, or why it ends; None where that is not known just now."""
    try:
        return await client.check()
    except (Unauthenticated, Forbidden) as error:
        return Closing(UNAUTHENTICATED, str(error)[:100])
    except StoreError:
        return None
    except Exception:
        log.exception("live updates: who listens could not be checked")
        return Closing(FAILED, "who you are could not be checked")


_UNKNOWN = Chunk("", ())
"""In place of what is not known any more."""
