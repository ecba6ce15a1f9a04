"""A kit borrows the application for the test's duration, and gives it back as it was."""

from __future__ import annotations

import asyncio
import gc
import logging
import sqlite3
import threading
from pathlib import Path

import pytest

from onbeat import Conflict, InvalidInput, Onbeat, Settings, State, StoreError
from onbeat.testing.errors import KitError
from onbeat.testing.opening import Kits
from tests.testing.conftest import PRODUCTION, Shop


async def test_the_application_has_its_own_database_again_afterwards(
    onbeat_kit: Kits, shop: Shop
) -> None:
    async with onbeat_kit(shop.ob) as kit:
        assert shop.ob.url == kit.url != PRODUCTION

    assert shop.ob.url == PRODUCTION


async def test_an_application_that_is_open_goes_on_where_it_was(
    onbeat_kit: Kits, tmp_path: Path
) -> None:
    ob = Onbeat(f"sqlite:///{tmp_path / 'own.db'}", settings=Settings())

    @ob.task
    def mail() -> None: ...

    async with ob:
        before = await mail.enqueue()
        async with onbeat_kit(ob) as kit:
            await mail.enqueue()
            await kit.drain()
            assert [job.state for job in kit.jobs(mail)] == [State.COMPLETED]

        assert [job.id for job in await ob.jobs.list()] == [before.id]
        assert (await before.show()).state is State.PENDING


async def test_a_blocking_application_that_is_open_goes_on_where_it_was(
    onbeat_kit: Kits, tmp_path: Path
) -> None:
    ob = Onbeat(f"sqlite:///{tmp_path / 'own.db'}", settings=Settings())

    @ob.task
    def mail() -> None: ...

    before = mail.enqueue_blocking()
    async with onbeat_kit(ob) as kit:
        mail.enqueue_blocking()
        await kit.drain()
        assert [job.state for job in kit.jobs(mail)] == [State.COMPLETED]

    assert before.show_blocking().state is State.PENDING
    ob.close_blocking()


async def test_each_kit_of_a_test_has_a_database_of_its_own(onbeat_kit: Kits, shop: Shop) -> None:
    for _ in range(2):
        async with onbeat_kit(shop.ob) as kit:
            await shop.ob.jobs.enqueue("charge", '{"order": 1}')
            await kit.drain()
            assert len(kit.jobs()) == 1


async def test_two_applications_may_be_open_at_once(onbeat_kit: Kits, shop: Shop) -> None:
    other = Onbeat(PRODUCTION, settings=Settings())

    @other.task
    async def order() -> None:
        await shop.ob.jobs.enqueue("charge", '{"order": 1}')

    async with onbeat_kit(shop.ob) as kit, onbeat_kit(other) as other_kit:
        await order.enqueue()
        await other_kit.drain()
        assert [job.state for job in kit.jobs("charge")] == [State.PENDING]


async def test_one_application_in_two_kits_at_once_is_refused(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        with pytest.raises(Conflict, match="another database already"):
            await onbeat_kit(shop.ob).__aenter__()
        await kit.drain()


async def test_a_test_that_fails_leaves_nothing_behind(onbeat_kit: Kits, shop: Shop) -> None:
    await asyncio.to_thread(int)  # the loop's own thread is there, whoever asked for it
    threads, handlers = set(threading.enumerate()), list(logging.getLogger().handlers)
    tasks = asyncio.all_tasks()
    with pytest.raises(LookupError):
        await _fail_within(onbeat_kit, shop)
    gc.collect()

    left = {each.name for each in set(threading.enumerate()) - threads if each.is_alive()}
    assert {name for name in left if name.startswith("onbeat")} == set()
    assert asyncio.all_tasks() == tasks
    assert logging.getLogger().handlers == handlers
    async with onbeat_kit(shop.ob) as kit:
        await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await kit.drain()
        assert [job.state for job in kit.jobs()] == [State.COMPLETED]


async def test_a_kit_that_cannot_open_gives_the_application_back(
    onbeat_kit: Kits, shop: Shop, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="no-such-folder"):
        await onbeat_kit(shop.ob, url=f"sqlite:///{tmp_path}/no-such-folder/x.db").__aenter__()

    assert shop.ob.url == PRODUCTION


async def test_a_database_that_is_in_use_is_refused(onbeat_kit: Kits, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'own.db'}"
    ob = Onbeat(url, settings=Settings())

    @ob.task
    def mail() -> None: ...

    async with ob:
        await mail.enqueue()

    with pytest.raises(KitError, match="needs one of its own, and empty"):
        await onbeat_kit(ob, url=url).__aenter__()


async def test_a_database_of_an_older_onbeat_is_not_migrated(
    onbeat_kit: Kits, shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "own.db"
    await Onbeat(f"sqlite:///{file}", settings=Settings()).migrate()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE onbeat_schema SET version_num = '0003'")
    connection.close()

    with pytest.raises(StoreError, match="migrate"):
        await onbeat_kit(shop.ob, url=f"sqlite:///{file}").__aenter__()

    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT * FROM onbeat_schema").fetchall() == [("0003",)]
    connection.close()


async def test_a_database_in_memory_is_refused(onbeat_kit: Kits, shop: Shop) -> None:
    with pytest.raises(InvalidInput, match="give a file"):
        onbeat_kit(shop.ob, url="sqlite://")


def test_what_is_no_application_is_refused(onbeat_kit: Kits) -> None:
    with pytest.raises(InvalidInput, match=r"'shop:ob' is no Onbeat application; .* onbeat_kit"):
        onbeat_kit("shop:ob")  # type: ignore[arg-type] # as who does not check types


async def test_on_a_loop_the_blocking_face_says_what_to_write(onbeat_kit: Kits, shop: Shop) -> None:
    with pytest.raises(KitError, match="async with"):
        onbeat_kit(shop.ob).__enter__()


async def test_two_verbs_at_once_are_refused(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        done = await asyncio.gather(kit.drain(), kit.drain(), return_exceptions=True)

        assert [type(each) for each in done] == [type(None), KitError]


async def test_it_works_on_postgresql_too(onbeat_kit: Kits, shop: Shop, postgres_url: str) -> None:
    shop.failures_left = 1
    async with onbeat_kit(shop.ob, url=postgres_url, at="2027-03-27T00:00:00Z") as kit:
        kit.crash_at("job-ended", on_pass=2)
        job = await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        async with kit.downtime():
            await kit.advance("2h")
        await kit.advance("40d")

        assert sorted(kit.run_of(job).outcomes)[:1] == ["failed"]
        assert kit.run_of(job).job.state is State.COMPLETED
        assert len(kit.fired("close_day")) == 41
        assert kit.ledger("close_day")[0].outcome == "late"
        assert {each.state for each in kit.jobs()} == {State.COMPLETED}
        assert len(kit.crashed) == 1


async def _fail_within(onbeat_kit: Kits, shop: Shop) -> None:
    async with onbeat_kit(shop.ob) as kit:
        kit.takes("charge", "1h")
        kit.takes("mail", "1h")
        await shop.ob.jobs.enqueue("charge", '{"order": 1}')
        await shop.ob.jobs.enqueue("mail", '{"to": "ada"}')
        await kit.drain()
        kit.crash_at("job-ended")
        raise LookupError("the test's own")
