"""What came from a source and is not taken yet: so many messages, and so many bytes of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

from onbeat.domain.sources.messages import Message
from onbeat.sources.connector import MOST_BYTES

MOST_WAITING: Final = 10_000
"""Messages that wait to be taken until no more are received: more stay with the transport."""


class Backlog:
    """Messages in the order in which they came, each with the moment."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Be full with so many bytes, or with `MOST_WAITING` messages."""
        self._most_bytes = most_bytes
        self._waiting: deque[tuple[Message, float]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether no more should be received; what was received before it was so is still kept."""
        return len(self._waiting) >= MOST_WAITING or self._bytes >= self._most_bytes

    @property
    def since(self) -> float:
        """When the first of them came."""
        return self._waiting[0][1]

    def add(self, messages: Iterable[Message], now: float) -> None:
        """Keep all of these."""
        for each in messages:
            self._waiting.append((each, now))
            self._bytes += len(each.body)

    def first(self, most: int) -> list[Message]:
        """The first, up to so many."""
        return [message for message, _ in islice(self._waiting, most)]

    def take(self, message: Message) -> None:
        """Keep it no longer, if it is the first; else it was forgotten, and comes again."""
        if self._waiting and self._waiting[0][0] is message:
            self._waiting.popleft()
            self._bytes -= len(message.body)

    def drop_after(self, moment: float) -> int:
        """Forget those that came after it; how many they were."""
        before = len(self._waiting)
        while self._waiting and self._waiting[-1][1] > moment:
            message, _ = self._waiting.pop()
            self._bytes -= len(message.body)
        return before - len(self._waiting)

    def clear(self) -> None:
        """Forget all of them."""
        self._waiting.clear()
        self._bytes = 0
