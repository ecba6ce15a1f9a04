"""The file of another issuer's public keys (JWKS, RFC 7517), read anew when it has changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onbeat.domain.errors import InvalidSetting

LOOK_EVERY = 30.0
"""Seconds until it is looked at again: a key that is taken back is believed no longer than that."""


class KeyFile:
    """Its keys, by their ids.

    Issuers change their keys, and whoever brings the file here cannot start each process anew. What
    cannot be read leaves the keys as they were: a file that is half written ends nobody's session.
    """

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        """Read `path`. Raises InvalidSetting."""
        self.path = path
        self.fault: str | None = None
        """Why it could not be read when it was last looked at."""
        self._monotonic = monotonic
        self._looked_at = monotonic()
        self._stamp = _stamp(path)
        self._keys = _read(path)

    def find(self, kid: str | None) -> Any:
        """The key of that id; without one, the only key that there is. None for no key."""
        if self._monotonic() - self._looked_at >= LOOK_EVERY:
            self.look()
        found = self._known(kid)
        if found is None and self.look():
            found = self._known(kid)
        return found

    def _known(self, kid: str | None) -> Any:
        if kid is None and "" not in self._keys and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid or "")

    def look(self) -> bool:
        """Read it if it has changed; whether it was read."""
        self._looked_at = self._monotonic()
        stamp = _stamp(self.path)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self._keys = _read(self.path)
        except InvalidSetting as error:
            self.fault = str(error)
            return False
        self.fault = None
        return True


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What differs where the file is another; a volume of Kubernetes swaps a link to it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> Mapping[str, Any]:
    from jwt import PyJWKSet  # noqa: PLC0415 - an extra
    from jwt.exceptions import PyJWTError  # noqa: PLC0415 - an extra

    try:
        found = PyJWKSet.from_dict(json.loads(path.read_text()))
    except (OSError, ValueError, PyJWTError) as error:
        raise InvalidSetting("jwks", f"{path} is no JWKS file: {error}") from None
    keys = {str(each.key_id or ""): each.key for each in found.keys if each.key_type != "oct"}
    if not keys:
        raise InvalidSetting("jwks", f"{path} has no public key; a shared one is ONBEAT_JWT_SECRET")
    return keys
