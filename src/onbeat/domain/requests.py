"""Requests to the outside that a process has made since it began, counted by kind. Pure.

They are told with its services, so that whoever tells of the fleet can tell of them too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class RequestKind(StrEnum):
    """What is asked: a channel by its kind, a webhook of an owner, a dead man's switch, the target
    of a job of the task `http`.
    """

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"
    PAGERDUTY = "pagerduty"
    APPRISE = "apprise"
    PING = "ping"
    HTTP = "http"


OF_CLIENT: Final = "client/"
"""How the kinds of requests begin that a client of an application makes; then comes its name."""


class RequestOutcome(StrEnum):
    """What came of a request."""

    SENT = "sent"
    AGAIN = "again"
    """It was not taken, and may be the next time."""
    REFUSED = "refused"
    """It was not taken, and will not be."""


BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: up to each of these, and for longer, requests are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """What came of requests of one kind, and how long they took."""

    kind: str
    sent: int = 0
    again: int = 0
    refused: int = 0
    seconds: float = 0.0
    """All of them together."""
    within: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    """How many took longer than the bound before and no longer than each of BOUNDS; then those that
    took longer than all.
    """

    def with_one(self, outcome: RequestOutcome, seconds: float) -> Requests:
        """These and one more."""
        place = bisect_left(BOUNDS, seconds)
        one = tuple(int(each == place) for each in range(len(BOUNDS) + 1))
        return self + Requests(kind=self.kind, seconds=seconds, within=one, **{outcome: 1})

    def __add__(self, other: Requests) -> Requests:
        """Both together."""
        return Requests(
            kind=self.kind, sent=self.sent + other.sent, again=self.again + other.again,
            refused=self.refused + other.refused, seconds=self.seconds + other.seconds,
            within=tuple(a + b for a, b in zip(self.within, other.within, strict=False)),
        )  # fmt: skip

    def count(self, outcome: RequestOutcome) -> int:
        """How many came to that."""
        counts = {
            RequestOutcome.SENT: self.sent, RequestOutcome.AGAIN: self.again,
            RequestOutcome.REFUSED: self.refused,
        }  # fmt: skip
        return counts[outcome]


def by_kind(requests: Iterable[Requests]) -> list[Requests]:
    """Those of one kind together; without kinds that this Onbeat does not know."""
    found: dict[str, Requests] = {}
    for each in requests:
        if each.kind in set(RequestKind) or each.kind.startswith(OF_CLIENT):
            found[each.kind] = found[each.kind] + each if each.kind in found else each
    return [found[kind] for kind in sorted(found)]
