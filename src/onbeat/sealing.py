"""Seals small secrets that must be had back, such as those webhooks are signed with.

What is sealed can be opened with the key of the setting ONBEAT_SECRET_KEY alone, and only as what
it was sealed for: sealed text that is moved to another row does not open there.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from typing import Any

from onbeat.domain.errors import ExtraMissing, InvalidSetting, OnbeatError

SHORTEST_KEY = 32
"""Characters of a secret key."""

VERSION = "v1"
NONCE = 12
"""Bytes; drawn anew for each text, of which there are far fewer than the 2^32 that allows."""

HOW = "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one"


class SealBroken(OnbeatError):
    """Sealed text that does not open: it was sealed with another key, or changed."""


class Vault:
    """Seals with the first of some keys, and opens with any of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Keep the keys; nothing of them is shown."""
        self._keys = tuple(keys)

    def __repr__(self) -> str:
        """Show nothing."""
        return "<Vault>"

    def check(self) -> None:
        """Raise InvalidSetting where there is no key, ExtraMissing where sealing is not there."""
        if not self._keys:
            told = f"webhooks and channels need it, to keep their secrets sealed; set it ({HOW})"
            raise InvalidSetting("ONBEAT_SECRET_KEY", told)
        _ = self._ciphers

    def seal(self, text: str, purpose: str) -> str:
        """The text sealed, to be opened for that purpose. Raises InvalidSetting, ExtraMissing."""
        self.check()
        nonce = os.urandom(NONCE)
        sealed = self._ciphers[0].encrypt(nonce, text.encode(), purpose.encode())
        return f"{VERSION}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, purpose: str) -> str:
        """What was sealed. Raises SealBroken, InvalidSetting, ExtraMissing."""
        self.check()
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - of an extra

        raw = _read(sealed)
        for cipher in self._ciphers:
            try:
                opened: bytes = cipher.decrypt(raw[:NONCE], raw[NONCE:], purpose.encode())
            except InvalidTag:
                continue
            return opened.decode()
        raise SealBroken(
            f"what is sealed for {purpose} does not open with ONBEAT_SECRET_KEY; give the key it "
            "was sealed with too, behind a comma, or seal it anew (ob.webhooks.rotate_secret)"
        )

    @property
    def _ciphers(self) -> list[Any]:
        """Made when they are asked for: most processes never do, and need no extra."""
        try:
            from cryptography.hazmat.primitives.ciphers.aead import (  # noqa: PLC0415 - as above
                AESGCM,
            )
            from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as above
            from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - as above
        except ImportError as error:
            raise ExtraMissing("sealing secrets", "cryptography", "server") from error
        # The setting may serve other ends too: what it seals with is derived for this one.
        return [
            AESGCM(HKDF(SHA256(), 32, None, b"onbeat sealing v1").derive(key.encode()))
            for key in self._keys
        ]


def _read(sealed: str) -> bytes:
    version, _, text = sealed.partition(".")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if version != VERSION or len(raw) <= NONCE:
        raise SealBroken("it is no sealed text that this Onbeat knows; upgrade, or seal it anew")
    return raw
