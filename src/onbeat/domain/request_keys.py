"""Keys that a client gives its requests, so that one that is sent twice is carried out once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from onbeat.domain.access import Principal
from onbeat.domain.errors import Conflict, InvalidInput

HEADER = "Idempotency-Key"
"""As Stripe has it, and draft-ietf-httpapi-idempotency-key-header-07."""

LONGEST_KEY = 255
PATTERN = f"^[!-~]{{1,{LONGEST_KEY}}}$"
"""What a key is: visible ASCII, without spaces."""

KEPT_FOR = timedelta(hours=24)
"""How long a key says what it said."""

LOST_AFTER = timedelta(minutes=2)
"""After so long without an answer its process is taken to have died: no request takes as long."""


class KeyTaken(Conflict):
    """Another request has taken the key meanwhile; nothing was changed by this one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to a request."""

    status: int
    headers: Mapping[str, str]
    body: str = field(repr=False)


@dataclass(slots=True)
class KeyedRequest:
    """A request that came with a key: whose it is, and what it asks for."""

    identity: str
    """Of the key and who asks, together: nobody's key meets another's."""
    asked: str
    """A digest of method, address and body."""
    who: str
    others: tuple[str, ...] = ()
    """Identities of further ones that are carried out with it, all or none."""
    is_taken: bool = False
    """Whether a change that it asked for was stored, together with its key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is stored of a key."""

    asked: str
    taken_at: datetime
    subject: tuple[str, str] | None
    """The kind and the name of what was changed; None where nothing was."""
    is_lost: bool
    """Whether there will be no answer any more."""
    answer: Answer | None


def read_key(given: Sequence[str]) -> str:
    """The key of a request that has such headers. Raises InvalidInput."""
    if len(given) != 1 or not re.fullmatch(PATTERN, given[0]):
        raise InvalidInput(
            HEADER, f"it is no key; give one of 1 to {LONGEST_KEY} visible ASCII characters "
            "without spaces, as a UUID",
        )  # fmt: skip
    return given[0]


def keyed_request(
    key: str, asker: Principal, method: str, address: str, body: bytes
) -> KeyedRequest:
    """The request of who asks under that key."""
    whose = (asker.kind, asker.id, asker.owner or "", key)
    return KeyedRequest(
        identity=_digest(*(each.encode() for each in whose)),
        asked=_digest(method.encode(), address.encode(), body),
        who=str(asker),
    )


def keyed_message(source: str, message: str, what: str) -> KeyedRequest:
    """What is done for a message of a source, which may come twice: by which mapping, say."""
    identity = _digest(b"source", source.encode(), message.encode(), what.encode())
    return KeyedRequest(identity=identity, asked=identity, who=f"source:{source}"[:LONGEST_KEY])


def taken_together(requests: Sequence[KeyedRequest]) -> KeyedRequest:
    """All of these as one, which is carried out where none of them was."""
    first, *others = requests
    return replace(first, others=tuple(each.identity for each in others))


def _digest(*parts: bytes) -> str:
    """Of the parts, none of which can run over into the next."""
    total = sha256()
    for part in parts:
        total.update(len(part).to_bytes(8) + part)
    return total.hexdigest()
