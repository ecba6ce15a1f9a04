"""One who listens: what they follow, and what is still to be sent to them.

What is sent is bytes of one JSON object each, the same over every transport, at most four a second.
Who is too slow is asked to read anew: what waits for them never grows beyond a bound.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from onbeat.api.live.ring import Audience, Chunk
from onbeat.domain.access import Permission, Principal
from onbeat.domain.live import Topic
from onbeat.timing import Timing

PACE: Final = 0.25
"""Seconds between two frames."""

BEAT: Final = 25.0
"""Seconds after which something is sent, for proxies end what says nothing."""

MOST_IN_FRAME: Final = 1_000
MOST_BEHIND: Final = 10_000
"""Changes that wait for one client."""

Check = Callable[[], Awaitable[Principal]]
"""Who it is by now. Raises Unauthenticated, Forbidden."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Why it ends: a close code of WebSocket (RFC 6455 §7.4), and what it means."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Said:
    """A frame that is no changes, and where one is who has read it, if it says so."""

    frame: bytes
    seq: str | None
    anew: frozenset[Topic] = frozenset()
    """Topics whose things it asks to read anew."""


class Client:
    """One connection."""

    def __init__(self, asker: Principal, check: Check, credential: str, timing: Timing) -> None:
        """For `asker`; who shows the same `credential` is the same."""
        self.asker = asker
        self.check = check
        self.credential = credential
        self.topics: frozenset[Topic] = frozenset()
        self.closing: Closing | None = None
        self._timing = timing
        self._waiting: deque[Chunk | Said] = deque()
        self._behind = 0
        self._something = asyncio.Event()
        self.came_at = self._sent_at = timing.monotonic()
        self._may_at = float("-inf")
        self._seq: str | None = None
        self.now_at: Callable[[], str | None] = lambda: None
        """Where one is who has been sent all."""

    @property
    def seq(self) -> str | None:
        """Up to where it has been told, with the last frame."""
        return self._seq

    def audience(self, topics: frozenset[Topic] | None = None) -> Audience:
        """Of these topics, or of all it follows: who has the same is told the same."""
        followed = self.topics if topics is None else topics
        return Audience(followed, self.asker.owner, self.asker.may(Permission.JOBS_ARGUMENTS))

    def tell(self, chunk: Chunk) -> None:
        """Send changes when it is their turn."""
        self._waiting.append(chunk)
        self._behind += len(chunk.changes)
        if self._behind > MOST_BEHIND:
            self.read_anew(self.topics, chunk.seq, "you are too slow")
        self._something.set()

    def read_anew(self, topics: Iterable[Topic], seq: str | None, why: str) -> None:
        """Ask to read anew what these topics are of.

        If they are all it follows, what waits is of no use any more.
        """
        asked = frozenset(topics)
        if self.topics <= asked:
            said = (each for each in self._waiting if isinstance(each, Said))
            self._waiting = deque(each for each in said if not each.anew)
            self._behind = 0
        self.say({"type": "refetch", "seq": seq, "topics": shown(asked), "why": why}, asked)

    def subscribed(self, topics: Iterable[Topic], seq: str | None) -> None:
        """Say that it follows these too, from there on."""
        self.say({"type": "subscribed", "seq": seq, "topics": shown(topics)})

    def say(self, frame: Mapping[str, Any], anew: frozenset[Topic] = frozenset()) -> None:
        """Send a frame when it is its turn."""
        self._waiting.append(Said(msgspec.json.encode(frame), frame.get("seq"), anew))
        self._something.set()

    def refuse(self, code: str, detail: str, **more: Any) -> None:
        """Say what was wrong."""
        self.say({"type": "error", "code": code, "detail": detail, **more})

    def end(self, code: int, reason: str) -> None:
        """End it, once what it is told now has been sent."""
        if self.closing is None:
            self.closing = Closing(code, reason)
        self._something.set()

    async def frame(self) -> bytes | None:
        """The next frame, when it is time; None when it is over."""
        while not self._is_over():
            rest = max(self._sent_at + BEAT - self._timing.monotonic(), 0.0)
            has_some = await self._timing.wait(self._something, rest)
            if has_some and not self._is_over():
                await self._keep_pace()
            frame = None if self._is_over() else self._next(has_some=has_some)
            if frame is not None:
                self._sent_at = self._timing.monotonic()
                self._may_at = self._sent_at + PACE
                return frame
        return self._last_words()

    def _is_over(self) -> bool:
        return self.closing is not None

    async def _keep_pace(self) -> None:
        rest = self._may_at - self._timing.monotonic()
        if rest > 0:
            await self._timing.wait(asyncio.Event(), rest)

    def _next(self, *, has_some: bool) -> bytes | None:
        if not self._waiting:
            self._something.clear()
            if has_some:
                return None
            self._seq = self.now_at() or self._seq
            return msgspec.json.encode({"type": "ping", "seq": self._seq})
        if isinstance(first := self._waiting[0], Said):
            self._waiting.popleft()
            return self._said(first)
        return self._changes()

    def _changes(self) -> bytes:
        """As many changes as one frame has, and up to where they are whole."""
        taken: list[bytes] = []
        while self._waiting and isinstance(chunk := self._waiting[0], Chunk):
            room = MOST_IN_FRAME - len(taken)
            taken += chunk.changes[:room]
            if len(chunk.changes) > room:
                self._waiting[0] = Chunk(chunk.seq, chunk.changes[room:])
                break
            self._waiting.popleft()
            self._seq = chunk.seq
        self._behind -= len(taken)
        seq = msgspec.json.encode(self._seq)
        return b'{"type":"changes","seq":%b,"changes":[%b]}' % (seq, b",".join(taken))

    def _last_words(self) -> bytes | None:
        """What was said before it ended, so that it is known why."""
        while self._waiting:
            if isinstance(said := self._waiting.popleft(), Said):
                return self._said(said)
        return None

    def _said(self, said: Said) -> bytes:
        self._seq = said.seq or self._seq
        return said.frame


def shown(topics: Iterable[Topic]) -> list[str]:
    """The topics as they are written."""
    return sorted(str(each) for each in topics)
