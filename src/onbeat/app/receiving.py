"""For who receives webhooks: is this request from who knows our secret, and just now?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from onbeat.domain.webhooks import TOLERANCE, Received, verify
from onbeat.timing import SystemTiming


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    now: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> Received:
    """The message of a request, whose `body` is as it came, before anything parsed it.

    With several secrets any of them will do, as while one is exchanged for another. Raises
    InvalidSignature: answer 401 then, and InvalidInput for a secret that is none. Keep the ids of
    messages for as long as the tolerance, and leave out what comes again.
    """
    return verify(body, headers, secret, now or SystemTiming().now(), tolerance)
