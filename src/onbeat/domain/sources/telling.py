"""What is told of a message."""

from __future__ import annotations

from onbeat.domain.events import MessageSetAside
from onbeat.domain.sources.listening import TEXT_KEPT
from onbeat.domain.sources.messages import Message


def told_aside(source: str, message: Message, reason: str) -> MessageSetAside:
    """That a message was set aside, no longer than that is kept."""
    texts = (message.channel, message.id, reason)
    return MessageSetAside(source, *(each[:TEXT_KEPT] for each in texts))
