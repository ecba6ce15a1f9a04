"""The text of an API token: `onb_<kind>_<30 random>_<6 checksum>`, all of 0-9, A-Z and a-z.

The beginning lets secret scanners find one that leaked; a double click selects it whole; and the
checksum (CRC-32) tells a mistyped one without asking the database. What is stored is its SHA-256:
178 random bits need no slow hash.
"""

from __future__ import annotations

import zlib
from hashlib import sha256

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KINDS = ("pat", "svc", "set")
"""A person's, a service's, and the one-time one of the first set-up."""

RANDOM = 30
CHECKSUM = 6
SHOWN = 8
"""Characters of the random part that are kept to tell tokens apart."""

BYTES = 32
"""Random bytes a token is made of."""

PATTERN = rf"onb_(?:{'|'.join(KINDS)})_[0-9A-Za-z]{{{RANDOM}}}_[0-9A-Za-z]{{{CHECKSUM}}}"


def make(kind: str, entropy: bytes) -> str:
    """A token of that kind from 32 random bytes."""
    if kind not in KINDS or len(entropy) != BYTES:
        raise ValueError(f"a token of {kind!r} from {len(entropy)} bytes")
    body = f"onb_{kind}_{_written(int.from_bytes(entropy), RANDOM)}"
    return f"{body}_{_checksum(body)}"


def is_sound(token: str) -> bool:
    """Whether its checksum fits: what does not was mistyped, or never was one."""
    body, _, checksum = token.rpartition("_")
    parts = body.split("_")
    if len(parts) != 3 or parts[0] != "onb" or parts[1] not in KINDS or len(parts[2]) != RANDOM:
        return False
    return token.isascii() and checksum == _checksum(body)


def digest(token: str) -> str:
    """What is stored of it: 64 hexadecimal digits."""
    return sha256(token.encode()).hexdigest()


def shown(token: str) -> str:
    """What may be shown of it: its kind and the first characters."""
    return token[: len("onb_pat_") + SHOWN]


def _checksum(body: str) -> str:
    return _written(zlib.crc32(body.encode()), CHECKSUM)


def _written(number: int, length: int) -> str:
    """The last `length` digits of a number to the base 62."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
