"""What ties a job to others, as short texts: the slots it needs, the key it alone may have, who
waits for its end.

They stand in the book as a JSON array, and in the lease while the job runs: the statement that
ends a lease lets go of what it holds. Most jobs have none, and pay for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec


class TieKind(StrEnum):
    """What a tie is; its text begins with this and a colon."""

    SLOT = "slot"
    """A slot of a limit, `slot:LIMIT:KEY`: had while it runs."""
    UNIQUE = "unique"
    """A unique key, `unique:KEY`: had until it ends."""
    WAITING = "waiting"
    """A unique key, `waiting:KEY`: had until it begins."""
    ENDS = "ends"
    """`ends:`: its end is told to who waits for it."""


def tie(kind: TieKind, key: str = "") -> str:
    """The text of one tie."""
    return f"{kind}:{key}"


def encode_ties(ties: Sequence[str]) -> str | None:
    """The JSON array of `ties`; None of none."""
    return msgspec.json.encode(list(dict.fromkeys(ties))).decode() if ties else None


_decode = msgspec.json.Decoder(list[str]).decode


def keys_of(ties: str | None, kind: TieKind) -> list[str]:
    """The keys of one kind among `ties`, as they stand in the book."""
    if ties is None:
        return []
    head = f"{kind}:"
    return [text[len(head) :] for text in _decode(ties) if text.startswith(head)]
