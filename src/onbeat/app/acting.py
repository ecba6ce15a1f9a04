"""In whose name commands are carried out: what is changed under an actor is written down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from onbeat.domain.audit import Actor

_actor: ContextVar[Actor | None] = ContextVar("onbeat_actor", default=None)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Carry out what is asked for until the block ends in that actor's name."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def actor_now() -> Actor | None:
    """In whose name it is; None for code that calls by itself."""
    return _actor.get()
