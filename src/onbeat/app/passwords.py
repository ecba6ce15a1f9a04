"""Passwords: hashed by argon2id, checked in a thread, and as slowly where there is no such user."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

from onbeat.domain.errors import InvalidInput, InvalidSetting

if TYPE_CHECKING:
    from argon2 import PasswordHasher

FEWEST = 12
MOST = 256
"""Characters in a password (NIST SP 800-63B: length is what counts, no rules of composition)."""

AT_ONCE = 2
"""Passwords hashed at the same time: each takes 64 MiB."""

_threads = ThreadPoolExecutor(AT_ONCE, "onbeat-password")


def check_password(password: str, *, name: str = "") -> None:
    """Raises InvalidInput for one that is too short, too long, or the name itself."""
    if not FEWEST <= len(password) <= MOST:
        raise InvalidInput(
            "password", f"it has {len(password)} characters; give {FEWEST} to {MOST}"
        )
    if password.casefold() == name.casefold() or len(set(password)) < 4:
        raise InvalidInput("password", "it is too easily guessed; give another")


async def hashed(password: str) -> str:
    """What is stored of it."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _hasher().hash, password)


async def fits(password: str, stored: str | None) -> bool:
    """Whether it is the one of that hash. With no hash it takes as long, and is not."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _fits, password, stored)


def is_dated(stored: str) -> bool:
    """Whether it was hashed with less care than is taken now."""
    return _hasher().check_needs_rehash(stored)


def _fits(password: str, stored: str | None) -> bool:
    from argon2.exceptions import Argon2Error, InvalidHashError  # noqa: PLC0415 - an extra

    try:
        return _hasher().verify(stored or _nobodys(), password) and stored is not None
    except (Argon2Error, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")


@cache
def _hasher() -> PasswordHasher:
    try:
        from argon2 import PasswordHasher  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise InvalidSetting(
            "server", "passwords need argon2-cffi; run `pip install 'onbeat[server]'`"
        ) from None
    return PasswordHasher()
