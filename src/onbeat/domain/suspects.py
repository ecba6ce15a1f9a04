"""Which environment variables look like secrets: by their names, or by a password in a URL.

A guess, for what nobody can mark: more is hidden rather than less, but not a yes or no.
"""

from __future__ import annotations

import re

_WORDS = frozenset({
    "AUTH", "BEARER", "COOKIE", "CREDENTIAL", "CREDENTIALS", "CREDS", "JWT", "KEY", "KEYS", "PASS",
    "PASSPHRASE", "PIN", "PRIVATE", "PSK", "PW", "PWD", "SALT",
})  # fmt: skip
_PARTS = ("APIKEY", "PASSWD", "PASSWORD", "SECRET", "TOKEN")
"""Also found where they are grown together with another word, as in PGPASSWORD."""

_ALONE = frozenset({"PWD"})
"""The working directory, where nothing stands beside it."""

_SWITCHES = frozenset({"", "0", "1", "false", "no", "off", "on", "true", "yes"})

_USER_INFO = re.compile(r"://[^/\s@]*:[^/\s@]+@")


def looks_secret(name: str, value: object) -> bool:
    """Whether a variable of that name with that value is to be hidden."""
    if isinstance(value, str) and value.lower() in _SWITCHES:
        return False
    if isinstance(value, str) and _USER_INFO.search(value):
        return True
    upper = name.upper()
    if upper in _ALONE:
        return False
    return any(part in upper for part in _PARTS) or not _WORDS.isdisjoint(_words(name))


def _words(name: str) -> list[str]:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return re.split(r"[^A-Z0-9]+", parted.upper())
