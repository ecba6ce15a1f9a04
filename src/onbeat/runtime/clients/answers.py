"""The answers that a client keeps: each for those who ask with the token it was given to."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from hashlib import blake2b

from onbeat.domain.client_errors import ApiAnswer
from onbeat.domain.keeping import Kept, Shelf

MOST_KEPT = 1_000


class Answers:
    """A shelf that threads may use at once."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        """Have none, and `most` at most."""
        self._shelf = Shelf(most)
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """Of all of them."""
        return self._shelf.bytes

    def get(self, key: str, now: float, fresh_for: float, request_id: str) -> ApiAnswer | None:
        """The answer of that key, if it is not older than so many seconds; for this request."""
        with self._lock:
            kept = self._shelf.get(key)
        if kept is None or now - kept.began >= fresh_for:
            return None
        return ApiAnswer(
            status=200, request_id=request_id, seconds=0.0, headers=kept.headers, body=kept.body,
            is_cached=True,
        )  # fmt: skip

    def put(self, key: str, answer: ApiAnswer, began: float) -> None:
        """Keep it, if it is one that may be."""
        if answer.status != 200 or "no-store" in answer.headers.get("cache-control", ""):
            return
        kept = Kept(body=answer.body, headers=answer.headers, began=began)
        with self._lock:
            self._shelf.put(key, kept)


def key_of(url: str, headers: Mapping[str, str]) -> str:
    """What an answer from there is kept under; the token is not to be had from it."""
    token = headers.get("Authorization", "").encode()
    return f"{blake2b(token, digest_size=24).hexdigest()} {url}"
