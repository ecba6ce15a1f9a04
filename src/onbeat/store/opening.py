"""Choosing the engine by the URL."""

from __future__ import annotations

import random

from onbeat.domain.errors import DriverMissing, InvalidSetting
from onbeat.store.store import Store
from onbeat.timing import Ids, SystemTiming, Timing


def open_store(
    url: str, *, timing: Timing | None = None, randomness: random.Random | None = None
) -> Store:
    """Choose the engine by the URL: `sqlite:///file.db` or `postgresql://user@host/database`.

    The store is not connected yet: `await store.open()`. Whoever works on it lives by its `timing`
    and draws from its `randomness`; with a seeded one, ids and jitter come again the same.
    """
    timing = timing or SystemTiming()
    ids = Ids(timing, randomness)
    drawn = randomness or random.Random()  # noqa: S311 - for jitter
    scheme = scheme_of(url)
    if scheme == "sqlite":
        from onbeat.store.sqlite.store import SqliteStore  # noqa: PLC0415 - one engine is loaded

        return SqliteStore(url, timing, ids, drawn)
    if scheme in ("postgresql", "postgres"):
        try:
            from onbeat.store.postgres.store import PostgresStore  # noqa: PLC0415 - as above
        except ImportError as error:
            raise DriverMissing(
                f"PostgreSQL needs more than is installed ({error.name or 'greenlet'} is missing); "
                "install it with: pip install 'onbeat[postgres]'"
            ) from None
        return PostgresStore(url, timing, ids, drawn)
    raise InvalidSetting(
        "db", f"{scheme!r} is not an engine; give sqlite:///FILE or postgresql://HOST/DATABASE"
    )


def scheme_of(url: str) -> str:
    """The engine a URL names. Raises InvalidSetting; what is no URL is not shown, for it may be a
    password.
    """
    scheme, separator, _ = url.partition("://")
    if not separator:
        told = "it is empty" if not url.strip() else "it is not a database URL"
        raise InvalidSetting("db", f"{told}; give sqlite:///FILE or postgresql://HOST/DATABASE")
    return scheme.partition("+")[0]
