"""Messages that did not fit: the newest of each source are kept, whatever is in them."""

from __future__ import annotations

from functools import partial

from onbeat.domain.sources.listening import BODY_KEPT, KEPT, SetAside
from onbeat.store import set_aside
from onbeat.store.store import Store


def message(store: Store, number: int, *, source: str = "orders", body: str = "{}") -> SetAside:
    return SetAside(
        id=str(store.new_id()), source=source, channel="a", message=f"m-{number}",
        reason="it has no field 'id'", body=body, at=store.timing.now(),
    )  # fmt: skip


async def keep(store: Store, *messages: SetAside) -> None:
    def work(connection: object, now: object) -> None:
        for each in messages:
            set_aside.keep(connection, now, each)  # type: ignore[arg-type] # the store's own

    await store.write(work)


async def test_the_newest_of_each_source_are_kept(store: Store) -> None:
    await keep(store, message(store, 0, source="other"))
    await keep(store, *(message(store, number) for number in range(KEPT + 5)))

    kept = await store.read(partial(set_aside.page, source="orders", limit=2 * KEPT))
    every = await store.read(partial(set_aside.page, limit=2 * KEPT))

    assert [each.message for each in kept] == [f"m-{n}" for n in range(KEPT + 4, 4, -1)]
    assert every[-1].source == "other"


async def test_what_no_database_takes_is_kept_without_it_and_not_too_long(store: Store) -> None:
    odd = message(store, 1, body="a\0b" + "x" * 2 * BODY_KEPT)
    await keep(store, odd)

    kept = (await store.read(partial(set_aside.page, limit=1)))[0]

    assert kept.body.startswith("a\N{REPLACEMENT CHARACTER}bx")
    assert len(kept.body) == BODY_KEPT


async def test_one_that_is_forgotten_is_there_no_more(store: Store) -> None:
    kept = message(store, 1)
    await keep(store, kept)

    removed = [await store.write(partial(set_aside.remove, messages=[kept.id])) for _ in range(2)]

    assert removed == [1, 0]
    assert await store.read(partial(set_aside.page, limit=10)) == []
