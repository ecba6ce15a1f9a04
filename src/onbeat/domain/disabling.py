"""Why a webhook or a channel takes no more: somebody said so, or it was given up. Pure."""

from __future__ import annotations

from typing import Final

BY_HAND: Final = "by hand"


def by_hand(why: str | None = None) -> str:
    """What is kept where somebody did it, and may have said why."""
    return BY_HAND if why is None else f"{BY_HAND}: {why}"


def is_given_up(why: str | None) -> bool:
    """Whether what is disabled was for what it answered, and by nobody."""
    return why is not None and not why.startswith(BY_HAND)
