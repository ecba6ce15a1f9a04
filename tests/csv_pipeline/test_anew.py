"""The demo and the measurement begin with empty tables, but delete nobody's data."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from examples.csv_pipeline.anew import make_anew
from examples.csv_pipeline.tables import companies
from sqlalchemy import delete

from onbeat import InvalidInput, Onbeat
from onbeat.domain.access import Role
from tests.csv_pipeline.conftest import Pipeline

ROOT = Path(__file__).parents[2]


def begun(url: str, module: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, "--rows", "50", *options], cwd=ROOT, capture_output=True,
        text=True, check=False, timeout=100,
        env={**os.environ, "ONBEAT_DB": url, "ONBEAT_PORT": "0", "CSV_PIPELINE_SECONDS": "1"},
    )  # fmt: skip


@pytest.mark.parametrize("module", ["examples.csv_pipeline", "examples.csv_pipeline.measure"])
async def test_rows_that_were_not_generated_are_left(
    pipeline: Pipeline, database_url: str, module: str
) -> None:
    ran = begun(database_url, module)

    assert ran.returncode not in (0, None)
    assert (
        "rows that were not generated in csv_companies; name another, or give --wipe" in ran.stderr
    )
    assert [each.id for each in await pipeline.rows_of(companies)] == ["acme", "bolt"]


async def test_they_are_deleted_where_it_is_said(pipeline: Pipeline) -> None:
    await pipeline.store.write(partial(make_anew, wipe=True))

    assert await pipeline.rows_of(companies) == []


async def test_empty_tables_and_generated_rows_are_made_anew_unasked(pipeline: Pipeline) -> None:
    await pipeline.store.write(lambda connection, now: connection.execute(delete(companies)))
    await pipeline.store.write(partial(make_anew, wipe=False))
    await pipeline.has("generated")
    await pipeline.store.write(partial(make_anew, wipe=False))

    assert await pipeline.rows_of(companies) == []


async def test_a_refusal_leaves_no_mark(pipeline: Pipeline) -> None:
    for _ in range(2):
        with pytest.raises(InvalidInput, match="not generated"):
            await pipeline.store.write(partial(make_anew, wipe=False))


async def test_the_password_of_somebody_else_is_left(ob: Onbeat, database_url: str) -> None:
    await ob.users.create("desk", Role.VIEWER, by="them", password="quite another one")  # noqa: S106

    for _ in range(2):  # to refuse it does not make it ours
        ran = begun(database_url, "examples.csv_pipeline")

        assert "a person desk is there already; give --wipe" in ran.stderr
        assert ran.returncode == 2
