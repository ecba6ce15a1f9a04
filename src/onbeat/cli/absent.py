"""An environment that is not there: refused with those that are, for its name may be misspelt.

A database without a name is made on SQLite by whoever first stores something in it. One environment
of several is made by `onbeat db migrate`, and on SQLite by `onbeat up`: on both engines, nobody
else is to find an empty one where another was meant.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from onbeat.app.onbeat import Onbeat
from onbeat.domain.errors import SchemaMissing, StoreError
from onbeat.store.environments import list_environments


@asynccontextmanager
async def named_where_absent(ob: Onbeat) -> AsyncIterator[None]:
    """Let SchemaMissing of an application in an environment say which environments there are."""
    try:
        yield
    except SchemaMissing as error:
        if ob.environment is None:
            raise
        raise SchemaMissing(await _absent(ob.url, ob.environment, str(error))) from None


async def _absent(url: str, environment: str, otherwise: str) -> str:
    there: list[str] | None = None
    with suppress(StoreError):
        there = [each.environment for each in await list_environments(url) if each.environment]
    if there is None:
        return otherwise
    told = f"there is no environment {environment!r} in the database"
    make = f"make it with `onbeat db migrate --environment {environment}`"
    if not there:
        return f"{told}, nor any other; {make}"
    return f"{told}; there {'is' if len(there) == 1 else 'are'} {', '.join(there)}: " + (
        f"give {'that' if len(there) == 1 else 'one of them'}, or {make}"
    )
