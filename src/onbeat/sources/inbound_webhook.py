"""Messages that are posted to the API, signed as the Standard Webhooks specification has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from onbeat.domain.errors import InvalidInput
from onbeat.domain.sources.messages import Message
from onbeat.domain.webhooks import authenticate, read_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundWebhook:
    """Messages posted to `/api/v1/sources/NAME`; their channel is what their field `type` says.

    Signed with `secret`, or with any of several, as while one is exchanged for another.
    """

    name: str
    secret: str | Sequence[str] = field(repr=False)

    kind = "webhook"
    redelivers = True

    def __post_init__(self) -> None:
        """Refuse a name that no address can have, and secrets that are none."""
        if "/" in self.name:
            raise InvalidInput("name", f"{self.name!r} has a /, and is a part of an address; use -")
        if not self.secrets:
            raise InvalidInput("secret", "there is none; give what the sender signs with")
        for each in self.secrets:
            read_secret(each)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All of them."""
        return (self.secret,) if isinstance(self.secret, str) else tuple(self.secret)

    def message(self, body: bytes, headers: Mapping[str, str], now: datetime) -> Message:
        """The message of a request. Raises InvalidSignature."""
        identity = authenticate(body, headers, self.secrets, now)
        return Message(id=identity, channel=_type(body), body=body)


class _Typed(msgspec.Struct):
    type: str = ""


def _type(body: bytes) -> str:
    """What it says that it is; nothing where it does not."""
    try:
        return msgspec.json.decode(body, type=_Typed).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
