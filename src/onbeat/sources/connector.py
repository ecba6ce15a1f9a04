"""What a listener needs of whatever brings messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from onbeat.domain.sources.messages import Message, Pattern

MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of messages of one source that a process keeps until it receives no more."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What a source still holds for us."""

    waiting: int
    """Messages."""
    since: timedelta
    """For how long the first of them has waited."""


class Connector(Protocol):
    """A connection to where messages come from. All raise SourceUnavailable where it is cut."""

    async def connect(self) -> None:
        """Connect, and have messages sent from here on."""
        ...

    async def receive(self) -> Sequence[Message]:
        """Wait a while for messages; those that came."""
        ...

    async def drain(self) -> Sequence[Message]:
        """What came, would not come again, and was not handed on; nothing is waited for. Raises
        nothing.
        """
        ...

    @property
    def lost(self) -> int:
        """Messages that came on this connection, would not come again, and found no room."""
        ...

    async def took(self, messages: Sequence[Message]) -> None:
        """Say that they were taken, and need not come again."""
        ...

    async def behind(self) -> Behind | None:
        """What is held there for us and was not received yet; None where nothing is held."""
        ...

    async def close(self) -> None:
        """Disconnect. Raises nothing."""
        ...


class Transport(Protocol):
    """A source as it is declared: what brings its messages, and how surely."""

    @property
    def name(self) -> str:
        """What the source is called."""
        ...

    @property
    def kind(self) -> str:
        """What it listens to, in a word."""
        ...

    @property
    def redelivers(self) -> bool:
        """Whether a message comes again until it was taken; else it comes once, or never."""
        ...

    def connector(self, patterns: Sequence[Pattern]) -> Connector:
        """What listens to the channels that are meant by `patterns`."""
        ...
