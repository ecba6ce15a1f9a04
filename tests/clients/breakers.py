"""What tests ask of breakers, of which one that was never told of anything is not on record."""

from __future__ import annotations

from onbeat import Onbeat
from onbeat.domain.breakers import BreakerState


async def opened(ob: Onbeat) -> list[str]:
    """The names of those that are not closed."""
    return [each.name for each in await ob.breakers.list() if each.state is not BreakerState.CLOSED]
