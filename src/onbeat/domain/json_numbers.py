"""Floating-point numbers in JSON so that every database gives them back as such.

PostgreSQL's jsonb keeps numbers as decimals: `1e22` comes back as a whole number of 23 digits, and
-0.0 without its sign. Written out with a fraction a large one stays a float; zero has no sign on
either engine.
"""

from __future__ import annotations

import re

_EXPONENT = re.compile(rb"e\+?\d")
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?e\+?\d+|-0\.0(?![\d.e])')


def steady(encoded: bytes) -> bytes:
    """The JSON with its large floats written out, and zero without a sign."""
    if b"-0.0" not in encoded and _EXPONENT.search(encoded) is None:  # as in nearly all
        return encoded
    return _TOKENS.sub(lambda found: _written_out(found[0]), encoded)


def _written_out(token: bytes) -> bytes:
    if token[:1] == b'"':
        return token
    if token == b"-0.0":
        return b"0.0"
    number, _, exponent = token.partition(b"e")
    whole, _, fraction = number.partition(b".")
    return whole + fraction.ljust(int(exponent), b"0") + b".0"
