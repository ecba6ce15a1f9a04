"""asyncpg connections, however their owner has set them up."""

from __future__ import annotations

import json

import asyncpg
import pytest

from onbeat import Onbeat

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def greet(name: str) -> str:
    return name


@pytest.mark.parametrize("format_", ["text", "binary"])
async def test_codecs_of_the_callers_own_change_nothing(
    database_url: str, ob: Onbeat, format_: str
) -> None:
    task = ob.task(greet)
    connection = await asyncpg.connect(database_url)
    try:
        for kind in ("json", "jsonb"):
            await connection.set_type_codec(
                kind, schema="pg_catalog", format=format_,
                encoder=lambda value: json.dumps([value]).encode(), decoder=json.loads,
            )  # fmt: skip

        async with connection.transaction():
            job = await task.within(connection).enqueue("Ada")
    finally:
        await connection.close()

    assert json.loads((await job.show()).args or "") == {"name": "Ada"}


async def test_a_transaction_begun_by_statement_is_one(database_url: str, ob: Onbeat) -> None:
    task = ob.task(greet)
    connection = await asyncpg.connect(database_url, statement_cache_size=0)
    try:
        await connection.execute("BEGIN")
        job = await task.within(connection).enqueue("Ada")
        await connection.execute("COMMIT")
    finally:
        await connection.close()

    assert (await job.show()).id == job.id
