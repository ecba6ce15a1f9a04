"""Onbeat within an application of yours: it opens, runs and closes with that one.

`app = FastAPI(lifespan=lifespan(ob, worker=True, scheduler=True))`, then
`app.mount("/onbeat", make_asgi(ob))`. Any ASGI application with a lifespan will do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from onbeat.app.onbeat import Onbeat
from onbeat.domain.events import Emit, discard

Lifespan = Callable[[object], AbstractAsyncContextManager[None]]
"""What Starlette and FastAPI take as `lifespan`; a block of one's own may stand around it."""


def lifespan(
    ob: Onbeat, *, worker: bool = False, scheduler: bool = False, emit: Emit = discard
) -> Lifespan:
    """A lifespan that connects `ob` and, if asked, runs a worker and a scheduler in this process.

    A server of many processes may run them in each: they share the database and need no leader.
    What the worker has begun is let end within the grace period before the server goes. `emit`
    hears of events. Raises StoreError where the database cannot be had, so that no server starts.
    """

    @asynccontextmanager
    async def alive(_: object) -> AsyncIterator[None]:
        async with ob:
            if not (worker or scheduler):
                ob.sources.emit = emit
                yield
                return
            async with ob.running(worker=worker, scheduler=scheduler, emit=emit):
                yield

    return alive
