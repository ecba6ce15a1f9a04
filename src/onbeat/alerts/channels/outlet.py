"""What a kind of channel can do: read where it leads, and send there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from onbeat.alerts.messages import Letter
from onbeat.domain.errors import InvalidInput
from onbeat.domain.notices import Came

Where = Mapping[str, Any]
"""Where a channel leads: what is sealed, and never shown."""


class Outlet(Protocol):
    """A kind of channel."""

    fields: tuple[str, ...]
    """What may be given of where one leads."""

    async def read(self, given: Where) -> Where:
        """Where a channel leads, of what was given. Raises InvalidInput, ExtraMissing."""
        ...

    def shown(self, where: Where) -> str:
        """What may be shown of it."""
        ...

    async def send(self, where: Where, letter: Letter) -> Came:
        """Send, once; what came of it, also where that failed."""
        ...


def need(given: Where, field: str, wanted: str) -> str:
    """A text that must be given. Raises InvalidInput, which does not show it."""
    value = given.get(field)
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(field, f"it is missing; give {wanted}")
    return value.strip()


def refuse_others(given: Where, fields: tuple[str, ...], kind: str) -> None:
    """Raise InvalidInput for what this kind of channel has no use for."""
    for field, value in given.items():
        if value is not None and field not in fields:
            wanted = ", ".join(fields)
            raise InvalidInput(field, f"a channel of kind {kind} has none; it takes {wanted}")
