"""Choosing the engine by the URL."""

from __future__ import annotations

from onbeat.domain.errors import DriverMissing, InvalidSetting
from onbeat.store.store import Store
from onbeat.timing import Ids, SystemTiming, Timing


def open_store(url: str, *, timing: Timing | None = None, ids: Ids | None = None) -> Store:
    """Choose the engine by the URL: `sqlite:///file.db` or `postgresql://user@host/database`.

    The store is not connected yet: `await store.open()`.
    """
    timing = timing or SystemTiming()
    ids = ids or Ids(timing)
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        from onbeat.store.sqlite.store import SqliteStore  # noqa: PLC0415 - one engine is loaded

        return SqliteStore(url, timing, ids)
    if scheme in ("postgresql", "postgres"):
        try:
            from onbeat.store.postgres.store import PostgresStore  # noqa: PLC0415 - as above
        except ImportError as error:
            raise DriverMissing(
                f"PostgreSQL needs more than is installed ({error.name or 'greenlet'} is missing); "
                "install it with: pip install 'onbeat[postgres]'"
            ) from None
        return PostgresStore(url, timing, ids)
    raise InvalidSetting(
        "db", f"{scheme!r} is not an engine; give sqlite:///FILE or postgresql://HOST/DATABASE"
    )
