"""Of several who may do a duty, one does; another takes over when it is gone."""

from __future__ import annotations

from onbeat.runtime.lease import TERM, Duty
from onbeat.store.store import Store
from tests.timing import ManualTiming


class Sweep(Duty):
    """Counts how often it was done."""

    def __init__(self, store: Store, name: str = "sweep") -> None:
        super().__init__(store, id=name)
        self.done = 0

    async def perform(self) -> float:
        self.done += 1
        return 1.0


async def test_one_of_two_does_the_duty(store: Store, other_store: Store) -> None:
    first, second = Sweep(store), Sweep(other_store)

    for _ in range(3):
        await first.step()
        await second.step()

    assert (first.done, second.done) == (3, 0)


async def test_different_duties_are_done_by_different_processes(
    store: Store, other_store: Store
) -> None:
    first, second = Sweep(store, "sweep"), Sweep(other_store, "mop")

    await first.step()
    await second.step()

    assert (first.done, second.done) == (1, 1)


async def test_who_does_not_have_it_looks_again_within_the_term(
    store: Store, other_store: Store
) -> None:
    await Sweep(store).step()

    rest = await Sweep(other_store).step()

    assert 0 < rest < TERM.total_seconds()


async def test_another_takes_over_after_the_term(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    first, second = Sweep(store), Sweep(other_store)
    await first.step()
    timing.advance(by=TERM)
    timing.advance(seconds=0.001)

    await second.step()

    assert second.done == 1


async def test_who_keeps_doing_it_keeps_it(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    first, second = Sweep(store), Sweep(other_store)
    for _ in range(4):
        await first.step()
        timing.advance(by=TERM / 2)
        await second.step()

    assert (first.done, second.done) == (4, 0)


async def test_another_takes_over_at_once_when_it_is_given_up(
    store: Store, other_store: Store
) -> None:
    first, second = Sweep(store), Sweep(other_store)
    await first.step()
    await first.clean_up()

    await second.step()

    assert second.done == 1


async def test_giving_up_does_not_take_it_from_another(
    store: Store, other_store: Store, timing: ManualTiming
) -> None:
    first, second = Sweep(store), Sweep(other_store)
    await first.step()
    timing.advance(by=TERM * 2)
    await second.step()

    await first.clean_up()
    await first.step()

    assert (first.done, second.done) == (1, 1)
