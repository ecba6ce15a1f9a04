"""psycopg connections, however their owner has set them up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import ClientCursor, RawCursor
from psycopg.rows import dict_row, scalar_row

from onbeat import InvalidInput, Onbeat, State

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def add(left: int, right: int = 1) -> int:
    return left + right


@pytest.fixture
def connect(database_url: str) -> Iterator[Callable[..., Any]]:
    """Opens connections, and closes them in the end."""
    opened: list[Any] = []

    def open_one(**options: Any) -> Any:
        opened.append(psycopg.connect(database_url, **options))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.close()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"row_factory": dict_row}, id="rows as dicts"),
        pytest.param({"row_factory": scalar_row}, id="rows as scalars"),
        pytest.param({"cursor_factory": RawCursor}, id="raw cursor"),
        pytest.param({"cursor_factory": ClientCursor}, id="client cursor"),
        pytest.param({"prepare_threshold": 0}, id="always prepared"),
        pytest.param({"prepare_threshold": None}, id="never prepared"),
    ],
)
def test_a_connection_of_any_making_will_do(
    connect: Callable[..., Any], blocking_ob: Onbeat, options: dict[str, Any]
) -> None:
    task, connection = blocking_ob.task(add), connect(**options)

    jobs = [task.within(connection).enqueue_blocking(number) for number in range(3)]
    connection.commit()

    assert {job.show_blocking().state for job in jobs} == {State.PENDING}


def test_a_pipeline_takes_the_job_along(connect: Callable[..., Any], blocking_ob: Onbeat) -> None:
    task, connection = blocking_ob.task(add), connect()

    with connection.pipeline():
        connection.execute("CREATE TABLE orders (number integer)")
        job = task.within(connection).enqueue_blocking(1)
        connection.commit()

    assert job.show_blocking().state is State.PENDING


def test_a_pipeline_in_autocommit_is_refused(
    connect: Callable[..., Any], blocking_ob: Onbeat
) -> None:
    task, connection = blocking_ob.task(add), connect(autocommit=True)

    with connection.pipeline():
        connection.execute("SELECT 1")
        with pytest.raises(InvalidInput, match="leave the pipeline, or use a connection without"):
            task.within(connection).enqueue_blocking(1)


def test_a_server_side_cursor_goes_on_after_it(
    connect: Callable[..., Any], blocking_ob: Onbeat
) -> None:
    task, connection = blocking_ob.task(add), connect()
    with connection.cursor("rows") as cursor:
        cursor.execute("SELECT generate_series(1, 3)")
        cursor.fetchone()

        task.within(connection).enqueue_blocking(1)

        assert cursor.fetchall() == [(2,), (3,)]


def test_what_the_driver_says_of_a_failed_transaction_is_the_callers(
    connect: Callable[..., Any], blocking_ob: Onbeat
) -> None:
    task, connection = blocking_ob.task(add), connect()
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("SELECT 1 / 0")

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        task.within(connection).enqueue_blocking(1)
