"""How long operations of a store take, as who asks for them waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from onbeat.domain.meters import Meter
from onbeat.store.store import Store

S = TypeVar("S", bound=Store)
P = ParamSpec("P")
T = TypeVar("T")


def timed(
    operation: Callable[Concatenate[S, P], Awaitable[T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """The operation of a store, counted by its name with how long it took, also where it fails."""
    labels = (getattr(operation, "__name__", ""),)

    @wraps(operation)
    async def counted(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        monotonic = self.timing.monotonic
        began = monotonic()
        try:
            return await operation(self, *args, **kwargs)
        finally:
            self.counting.took(Meter.ASKED, labels, monotonic() - began)

    return counted
