"""How often keys are asked for on PostgreSQL: a statement that finds one had is a failed one."""

from __future__ import annotations

import asyncpg
import pytest

from onbeat.store.store import Store
from tests.contract.conditions import OTHER, ask, unique

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

# A sequence counts also what is rolled back.
COUNT = """
CREATE SEQUENCE asked;
CREATE FUNCTION count_asked() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM nextval(''asked''); RETURN NEW; END';
CREATE TRIGGER counted BEFORE INSERT ON onbeat_uniques
    FOR EACH ROW EXECUTE FUNCTION count_asked();
"""


@on_postgresql
async def test_after_a_key_that_was_had_those_that_follow_are_asked_for_once(store: Store) -> None:
    await ask(store, first := unique())
    counting = await asyncpg.connect(store.url)
    try:
        await counting.execute(COUNT)

        for _ in range(5):
            assert await ask(store, again := unique()) == {again.id: first.id}
        assert await ask(store, unique(OTHER)) == {}

        assert await counting.fetchval("SELECT last_value FROM asked") == 1 + 5 + 1
    finally:
        await counting.close()
