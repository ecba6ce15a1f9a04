"""Jobs that should have begun before they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from onbeat import Call, InvalidInput, Middleware, Onbeat, Settings, Task, sqlite_engine
from onbeat.app.options import read_options
from tests.timing import START, ManualTiming

OVER = datetime.now(UTC) - timedelta(minutes=1)
SECOND = timedelta(seconds=1)

Charge = Task[[int], int, Any]


def charge_of(ob: Onbeat) -> Charge:
    @ob.task
    async def charge(order_id: int) -> int:
        return order_id

    return charge


async def by_enqueue(ob: Onbeat, charge: Charge) -> None:
    await charge.opts(start_by=OVER).enqueue(1)


async def by_enqueue_many(ob: Onbeat, charge: Charge) -> None:
    await ob.enqueue_many([charge.bind(1), charge.opts(start_by=OVER).bind(2)])


async def by_name(ob: Onbeat, charge: Charge) -> None:
    await ob.jobs.enqueue("charge", '{"order_id": 1}', read_options(start_by=OVER))


async def by_middleware(ob: Onbeat, charge: Charge) -> None:
    class Hurried(Middleware):
        async def enqueue(self, call: Call[Any]) -> Call[Any]:
            return call.opts(start_by=OVER)

    ob.middleware(Hurried())
    await charge.enqueue(1)


WAYS = [by_enqueue, by_enqueue_many, by_name, by_middleware]


@pytest.mark.parametrize("way", WAYS)
async def test_a_job_that_should_have_begun_already_is_refused_and_nothing_is_stored(
    ob: Onbeat, way: Callable[[Onbeat, Charge], Any]
) -> None:
    with pytest.raises(InvalidInput, match=r"^start_by: .* is over: it is .*; give a later moment"):
        await way(ob, charge_of(ob))

    assert await ob.jobs.list() == []


def test_so_it_is_from_blocking_code(blocking_ob: Onbeat) -> None:
    with pytest.raises(InvalidInput, match=r"^start_by: "):
        charge_of(blocking_ob).opts(start_by=OVER).enqueue_blocking(1)


def test_so_it_is_within_a_transaction(tmp_path: Path) -> None:
    ob = Onbeat(f"sqlite:///{tmp_path}/onbeat.db", settings=Settings())
    charge = charge_of(ob)
    charge.enqueue_blocking(0)
    engine = sqlite_engine(ob.url)

    with (
        Session(engine) as session,
        session.begin(),
        pytest.raises(InvalidInput, match=r"^start_by: "),
    ):
        charge.opts(start_by=OVER).within(session).enqueue_blocking(1)
    ob.close_blocking()
    engine.dispose()


async def test_a_job_that_may_not_begin_before_it_must_is_refused(ob: Onbeat) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=1)

    with pytest.raises(InvalidInput, match=r"^start_by: .* is before its delay is over"):
        await charge_of(ob).opts(start_by=soon, delay="5m").enqueue(1)

    assert await ob.jobs.list() == []


async def test_what_is_over_is_told_by_the_clock_of_the_store(database_url: str) -> None:
    ob = Onbeat("sqlite:///never.db", settings=Settings())
    charge = charge_of(ob)

    with ob.elsewhere(database_url, ManualTiming()):
        async with ob:
            with pytest.raises(InvalidInput, match=r"^start_by: "):
                await charge.opts(start_by=START).enqueue(1)
            await charge.opts(start_by=START + SECOND).enqueue(1)

            assert len(await ob.jobs.list()) == 1
        await ob.close()
