"""What ties a job to others, as short texts: the slots it needs, the key it alone may have, who
waits for its end; and what it is found by.

They stand in the book as a JSON array, a unique key first, and in the lease while the job runs:
the statement that ends a lease lets go of what it holds. Most jobs have none, and pay for none.
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
    WITHIN = "within"
    """A unique key, `within:MICROSECONDS:KEY`: had so long, whatever becomes of the job."""
    EXPIRES = "expires"
    """`expires:MICROSECONDS`: called off when it has not begun so long after it might, or by a
    moment of its own, where there is no number."""
    ENDS = "ends"
    """`ends:`: its end is told to who waits for it."""
    TAG = "tag"
    """`tag:TAG`: a word it is found by; see domain/marks.py."""
    OWNER = "owner"
    """`owner:ID`: whose it is; with `ends:` beside it the owner's webhooks hear of its end."""


def tie(kind: TieKind, key: str = "") -> str:
    """The text of one tie."""
    return f"{kind}:{key}"


def encode_ties(ties: Sequence[str]) -> str | None:
    """The JSON array of `ties`; None of none."""
    if not ties:
        return None
    return _encode(ties if len(ties) == 1 else list(dict.fromkeys(ties))).decode()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[str]).decode


def keys_of(ties: str | None, kind: TieKind) -> list[str]:
    """The keys of one kind among `ties`, as they stand in the book."""
    if ties is None:
        return []
    head = f"{kind}:"
    return [text[len(head) :] for text in _decode(ties) if text.startswith(head)]
