"""SQLite that was built without mathematical functions is given them."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from onbeat.domain.health import PER_LOG, bucket_of
from onbeat.store.sqlite.connections import MATHEMATICS, add_mathematics, connect

BUCKET = f"SELECT ceil(ln(?) * {PER_LOG})"
"""What folding asks for; see store/folding.py."""


def refused(value: object) -> float:
    """What a function that is not there does."""
    raise ArithmeticError("no such function")


class Poor(sqlite3.Connection):
    """A connection to a build that has none of them."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take them away."""
        super().__init__(*args, **options)
        for name in MATHEMATICS:
            self.create_function(name, 1, refused)


def test_what_a_build_lacks_counts_as_sqlites_own(tmp_path: Path) -> None:
    poor, whole = Poor(tmp_path / "a.db"), connect(tmp_path / "b.db")
    with pytest.raises(sqlite3.OperationalError):
        poor.execute(BUCKET, (1.0,))

    add_mathematics(poor)

    for seconds in (1e-6, 0.001, 0.5, 1.0, 59.9, 86_400.0, None, 0.0, -1.0):
        asked = [each.execute(BUCKET, (seconds,)).fetchone() for each in (poor, whole)]
        assert asked[0] == asked[1]
    assert poor.execute(BUCKET, (59.9,)).fetchone() == (bucket_of(timedelta(seconds=59.9)),)
    poor.close()
    whole.close()


def test_every_connection_is_given_what_it_lacks(tmp_path: Path) -> None:
    connection = connect(tmp_path / "a.db", kind=Poor)

    assert connection.execute("SELECT ceil(ln(1))").fetchone() == (0,)
    connection.close()


def test_a_build_that_has_them_keeps_its_own(tmp_path: Path) -> None:
    connection = connect(tmp_path / "a.db")

    listed = connection.execute("SELECT name, builtin FROM pragma_function_list").fetchall()

    assert {each for each in listed if each[0] in MATHEMATICS} == {
        (name, 1) for name in MATHEMATICS
    }
    connection.close()
