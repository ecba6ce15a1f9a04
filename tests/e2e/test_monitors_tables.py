"""The demos of `examples/monitors/regions` fill a table of monitors: their own, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples.monitors.regions.filling import fill_table
from examples.monitors.regions.table import monitors, open_table, tables
from sqlalchemy import Engine, func, insert, select, text

from onbeat import InvalidInput

ROOT = Path(__file__).parents[2]
REFUSED = "ONBEAT_DB: its table monitors was not made by this demo; give a database without one"
THEIRS = {"name": "page-1", "url": "https://shop.example", "criticality": "high",
          "check_interval_minutes": 5.0, "is_active": True}  # fmt: skip


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database that a team gives."""
    made = open_table(database_url)
    yield made
    made.dispose()


def count(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(text("monitors"))) or 0


def test_its_own_rows_are_made_anew(engine: Engine) -> None:
    fill_table(engine, 100)
    fill_table(engine, 50)

    assert count(engine) == 50


def test_a_table_with_a_row_of_others_is_refused_and_keeps_all(engine: Engine) -> None:
    fill_table(engine, 100)
    with engine.begin() as connection:
        connection.execute(insert(monitors).values(**THEIRS, next_check_at=func.now()))

    with pytest.raises(InvalidInput, match="was not made by this demo"):
        fill_table(engine, 100)

    assert count(engine) == 101


@pytest.mark.parametrize("demo", ["load", "regions"])
def test_a_table_of_other_columns_is_refused_in_one_line_and_keeps_all(
    engine: Engine, database_url: str, demo: str
) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE monitors (id INTEGER PRIMARY KEY, name TEXT)"))
        connection.execute(text("INSERT INTO monitors VALUES (1, NULL), (2, 'page-2')"))

    ran = subprocess.run(
        [sys.executable, "-m", f"examples.monitors.{demo}"], cwd=ROOT, check=False,
        env={**os.environ, "ONBEAT_DB": database_url}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert (ran.returncode, ran.stderr) == (2, f"{REFUSED}\n")
    assert count(engine) == 2


def test_an_empty_table_is_taken(engine: Engine) -> None:
    tables.create_all(engine)

    fill_table(engine, 10)

    assert count(engine) == 10
