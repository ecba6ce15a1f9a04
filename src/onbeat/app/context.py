"""What every command module works with: the stores, the tasks, and the way in from sync code."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection

from onbeat.app.acting import actor_now
from onbeat.app.middleware import Middleware
from onbeat.app.portal import Portal
from onbeat.app.request_keys import write_once
from onbeat.app.stores import Stores
from onbeat.domain.errors import Conflict, InvalidInput
from onbeat.domain.jobs import MAX_ARGUMENT_BYTES
from onbeat.domain.keeping import Edited, edited_by
from onbeat.domain.limits import Bounds
from onbeat.domain.regions import Regions
from onbeat.outbound.pool import Pool
from onbeat.outbound.tally import Tally
from onbeat.runtime.main_file import refuse_while_read
from onbeat.runtime.regions import Router
from onbeat.runtime.tasks import Registry
from onbeat.store import audit, editions
from onbeat.store.store import Store, Work
from onbeat.timing import Timing

T = TypeVar("T")

_contexts: WeakSet[Context] = WeakSet()


def _forget_all() -> None:
    """What a forked child must do before anything else."""
    for context in list(_contexts):
        context.portal.forget()
        context.stores.forget()
        for pool in context.pools.values():
            pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


class Context:
    """Shared by the application object and its command modules."""

    def __init__(
        self,
        url: str,
        name: str,
        max_payload: int = MAX_ARGUMENT_BYTES,
        regions: Regions | None = None,
    ) -> None:
        """Work on the database at `url`, for the application called `name`."""
        self.router = None if regions is None else Router(regions)
        self.url = url
        self.max_payload = max_payload
        self.name = name
        self.registry = Registry()
        self.known_limits: set[tuple[str, str, Bounds]] = set()
        """Limits of calls that are in the store: by its URL, their name, and what they allow."""
        self.tally = Tally()
        """What counts the requests that its jobs make to webhooks of owners."""
        self.middleware: tuple[Middleware, ...] = ()
        self.stores = Stores(url)
        self.pools: dict[str, Pool] = {}
        """The connections of its clients to APIs, by the client's name."""
        self.portal = self._portal()
        self._is_elsewhere = False
        _contexts.add(self)

    def use_database(self, url: str) -> None:
        """Work on another database from here on. Raises Conflict when one is open already."""
        self.stores.move(url)
        self.url = url

    @contextmanager
    def elsewhere(self, url: str, timing: Timing) -> Iterator[None]:
        """Work on the database at `url` by `timing` until the block ends; then as before.

        What was open before stays open, and is not used meanwhile. Whoever opens the running
        loop's store inside also closes it there. Raises Conflict inside another such block.
        """
        if self._is_elsewhere:
            raise Conflict("the application is on another database already; end that use first")
        kept = self.url, self.stores, self.portal
        self._is_elsewhere = True
        self.url, self.stores = url, Stores(url, timing)
        self.portal = self._portal()
        try:
            yield
        finally:
            self.portal.close()
            self.url, self.stores, self.portal = kept
            self._is_elsewhere = False

    def _portal(self) -> Portal:
        """What ends with the stores that there are now."""
        return Portal(partial(self._close, self.stores))

    async def close(self) -> None:
        """Disconnect the running loop from the database, and from APIs."""
        await self._close(self.stores)

    async def _close(self, stores: Stores) -> None:
        try:
            for pool in self.pools.values():
                await pool.close()
        finally:
            await stores.close()

    def now(self) -> datetime:
        """The moment by what its stores live by, where none need be open to say it."""
        return self.stores.now()

    async def store(self) -> Store:
        """The running loop's store."""
        refuse_while_read()
        return await self.stores.get()

    async def read(self, work: Work[T]) -> T:
        """Run cold work that reads."""
        return await (await self.store()).read(work)

    async def write(self, work: Work[T]) -> T:
        """Run cold work that writes."""
        return await (await self.store()).write(work)

    async def change(
        self,
        action: str,
        subject: tuple[str, str],
        work: Work[T],
        *,
        look: Work[Mapping[str, Any] | None] | None = None,
        told: Mapping[str, Any] | None = None,
        is_change: Callable[[T], bool] | None = None,
    ) -> T:
        """Run cold work that somebody asked for, and write down who, in one transaction.

        `subject` is the kind and the name of what is changed; `look` tells how it stands, and is
        asked before and after; without it, `told` is what came of it. Code that calls by itself
        (see `acting`) leaves no entry, nor does work of whose result `is_change` says that nothing
        was changed. The key of a request (see `under_key`) is taken with it: then it is done once.
        Where answers that are kept show such things, they are told apart from here on. Raises
        KeyTaken.
        """
        if (what := edited_by(action, subject[0])) is not None:
            work = _marked(work, what)
        actor, store = actor_now(), await self.store()
        if actor is None:
            return await write_once(store, work, subject)
        entry = store.new_id()

        def noted(connection: Connection, now: datetime) -> T:
            before = None if look is None else look(connection, now)
            result = work(connection, now)
            if is_change is not None and not is_change(result):
                return result
            after = told if look is None else look(connection, now)
            audit.record(connection, now, entry, actor, action, subject, before=before, after=after)
            return result

        return await write_once(store, noted, subject)

    async def note(
        self,
        action: str,
        subject: tuple[str, str],
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down what somebody asked for and took more than one transaction, now it is done."""
        actor, store = actor_now(), await self.store()
        if actor is not None:
            noted = partial(
                audit.record, entry=store.new_id(), actor=actor, action=action, subject=subject,
                before=before, after=after,
            )  # fmt: skip
            await store.write(noted)

    def block(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work` from sync code; what middleware sees of the context is the caller's."""
        if not self.middleware:
            return self.portal.run(work)
        context = copy_context()

        async def in_context() -> T:
            return await asyncio.get_running_loop().create_task(work(), context=context)

        return self.portal.run(in_context)

    def add_middleware(self, middleware: Middleware) -> None:
        """Run it within what was added before. Raises InvalidInput."""
        if not isinstance(middleware, Middleware):
            raise InvalidInput(
                "middleware", f"{middleware!r} is no Middleware; give an object of a class that "
                "derives from onbeat.Middleware",
            )  # fmt: skip
        self.middleware = (*self.middleware, middleware)
        if type(middleware).run is not Middleware.run:
            self.registry.around = (*self.registry.around, middleware)


def _marked(work: Work[T], what: Edited) -> Work[T]:
    """The same, and it is told in its transaction that such a thing was edited."""

    def marked(connection: Connection, now: datetime) -> T:
        result = work(connection, now)
        editions.edited(connection, now, what)
        return result

    return marked
