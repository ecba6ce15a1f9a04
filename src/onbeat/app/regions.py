"""Commands on regions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from onbeat.app.context import Context
from onbeat.domain.regions import RegionState
from onbeat.store import regions as stored


class RegionCommands:
    """`ob.regions`: how each region is, and where its jobs go."""

    def __init__(self, context: Context) -> None:
        """Made by the application."""
        self._context = context

    async def reconcile(self) -> None:
        """Bring what the application says of regions into the store."""
        router = self._context.router
        if router is not None:
            source = f"code:{self._context.name}"
            await self._context.write(partial(stored.declare, wanted=router.regions, source=source))

    async def list(self) -> Sequence[RegionState]:
        """Every region that a process has brought into the store, and the default queue last."""
        return await self._context.read(stored.list_regions)
