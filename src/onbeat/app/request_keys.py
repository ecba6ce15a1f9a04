"""Requests that are carried out once, however often they are sent: what `Idempotency-Key` asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from onbeat.domain.errors import InvalidInput, NotFound
from onbeat.domain.request_keys import Answer, KeyedRequest, Standing
from onbeat.sealing import SealBroken, Vault
from onbeat.settings import Settings
from onbeat.store import request_keys as stored
from onbeat.store.store import Store, Work

if TYPE_CHECKING:
    from onbeat.app.context import Context

T = TypeVar("T")

_request: ContextVar[KeyedRequest | None] = ContextVar("onbeat_keyed_request", default=None)


@contextmanager
def under_key(request: KeyedRequest) -> Iterator[None]:
    """Carry out what is asked for until the block ends as that request's: once."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def has_key() -> bool:
    """Whether what is carried out is of a request whose key is still to be taken."""
    request = _request.get()
    return request is not None and not request.is_taken


async def write_once(
    store: Store,
    work: Work[T],
    subject: tuple[str, str],
    *,
    called: Callable[[T], str] | None = None,
) -> T:
    """Run cold work that writes; the key of the request, if it has one, is taken with it.

    `subject` is the kind and the name of what it makes; `called` tells the name by what it did.
    Raises KeyTaken, and nothing is written, where another request has taken it meanwhile.
    """
    request = _request.get()
    if request is None or request.is_taken:
        return await store.write(work)
    whose = request

    def once(connection: Connection, now: datetime) -> T:
        stored.take(connection, now, whose, subject)
        result = work(connection, now)
        if called is not None:
            stored.name(connection, now, whose, called(result))
        return result

    result = await store.write(once)
    request.is_taken = True
    return result


@asynccontextmanager
async def key_taken(store: Store, subject: tuple[str, str]) -> AsyncIterator[None]:
    """Take the key of the request, if it has one, before what takes many transactions: done in
    part, it is not begun again. What is refused at once gives it back. Raises KeyTaken.
    """
    request = _request.get() if has_key() else None
    if request is not None:
        await write_once(store, _nothing, subject)
    try:
        yield
    except (InvalidInput, NotFound):
        if request is not None:
            await store.write(partial(stored.give_back, request=request))
            request.is_taken = False
        raise


def _nothing(connection: Connection, now: datetime) -> None:
    """The key alone."""


class RequestKeys:
    """`ob.request_keys`: what was answered to requests that may be sent again."""

    def __init__(self, context: Context, settings: Settings) -> None:
        """Made by the application."""
        self._context = context
        self._vault = Vault(settings.secret_key or ())
        self._can_seal = bool(settings.secret_key)

    async def find(self, request: KeyedRequest) -> Standing | None:
        """What is stored of its key; None where it is new."""
        found = await self._context.read(partial(stored.find, request=request))
        if found is None:
            return None
        standing, is_sealed = found
        if not is_sealed or standing.answer is None:
            return standing
        try:
            body = self._vault.open(standing.answer.body, _sealed_for(request))
        except SealBroken:
            return replace(standing, answer=None, is_lost=True)
        return replace(standing, answer=replace(standing.answer, body=body))

    async def keep(
        self, request: KeyedRequest, answer: Answer, *, shows_secret: Callable[[str], bool]
    ) -> None:
        """Keep an answer: one that shows a secret is sealed, or, without ONBEAT_SECRET_KEY, lost.

        A request that changed nothing has taken no key, and keeps none.
        """
        store = await self._context.store()
        is_secret = shows_secret(answer.body)
        sealed: str | None = None
        if is_secret and self._can_seal:
            sealed = self._vault.seal(answer.body, _sealed_for(request))

        def kept(connection: Connection, now: datetime) -> None:
            if is_secret and sealed is None:
                stored.lost(connection, now, request)
            else:
                stored.answered(connection, now, request, answer, sealed)

        await store.write(kept)

    async def lose(self, request: KeyedRequest) -> None:
        """Say that what was changed will have no answer."""
        if request.is_taken:
            await self._context.write(partial(stored.lost, request=request))


def _sealed_for(request: KeyedRequest) -> str:
    return f"answer:{request.identity}"
