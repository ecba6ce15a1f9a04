"""The judges of jobs that are bound find what they are for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onbeat.domain.jobs import JobId
from onbeat.domain.workflows import Edge, Member, NewWorkflow, OnFailure
from tests import factories
from tests.chaos.checker import Books
from tests.chaos.effects import Effect, Word
from tests.chaos.history import Attempt, Booked, End, History
from tests.simulation.bond_judges import BondRecord, Lease, Opening, Totals, check_bonds
from tests.simulation.bonds import Bonds

Seen = tuple[str, Word, float]
"""Of which job, what, and when."""

B, E = Word.BEGIN, Word.END


def found(
    tasks: dict[str, str],
    seen: Sequence[Seen] = (),
    *,
    lost: Sequence[str] = (),
    ends: dict[str, str] | None = None,
    leases: Sequence[Lease] = (),
    bonds: Bonds | None = None,
    openings: Sequence[Opening] = (),
    totals: dict[str, Totals] | None = None,
    set_back: Sequence[int] = (),
) -> set[str]:
    """What is found in a run of these jobs, each with one attempt; the first has token 1."""
    numbers = {job: number for number, job in enumerate(tasks, start=1)}
    history = History(
        booked=[Booked(job, task) for job, task in tasks.items()],
        effects=[Effect(word, job, numbers[job], 1, at) for job, word, at in seen],
        attempts=[
            Attempt(job, number, "lost" if job in lost else "succeeded")
            for job, number in numbers.items()
            if any(job == of for of, *_ in seen)
        ],
        ends=[End(job, outcome) for job, outcome in (ends or {}).items()],
    )
    record = BondRecord(
        bonds or Bonds(), list(leases), set(), set(), list(set_back), 0.0, list(openings),
        totals or {},
    )  # fmt: skip
    return {each.promise for each in check_bonds(record, Books(history))}


THREE = [("a", B, 1), ("b", B, 2), ("c", B, 3), ("a", E, 4), ("b", E, 5), ("c", E, 6)]
SWIMMERS = dict.fromkeys("abc", "swim")


def test_more_at_once_than_a_limit_allows_are_found() -> None:
    one_after_the_other = [("a", B, 1), ("b", B, 2), ("a", E, 3), ("c", B, 3), ("c", E, 4)]

    assert found(SWIMMERS, THREE) == {"no more run at once than a limit allows"}
    assert found(SWIMMERS, one_after_the_other) == set()


def test_an_attempt_that_lost_its_lease_may_go_on_beside_the_next() -> None:
    assert found(SWIMMERS, THREE, lost=["b"]) == set()


@pytest.mark.parametrize(
    ("begins", "promise"),
    [
        ([0.0, 0.0, 1.5, 3.0], None),
        ([0.0, 0.0, 1.4], "no more begin in a time than a rate allows"),
        ([0.0, 9.0, 9.0, 9.1], "no more begin in a time than a rate allows"),
    ],
)
def test_a_rate_that_is_exceeded_is_found(begins: list[float], promise: str | None) -> None:
    leases = [Lease(f"{number}", number, at, at) for number, at in enumerate(begins)]
    tasks = {lease.job: "pace" for lease in leases}

    assert found(tasks, leases=leases) == ({promise} if promise else set())
    assert found(tasks, leases=leases, set_back=range(9)) == set()


def test_a_key_that_two_jobs_have_at_once_is_found() -> None:
    tasks, bonds = dict.fromkeys("ab", "alone"), Bonds(keys={"a": "k", "b": "k"})

    beside = [("a", B, 1), ("b", B, 2), ("a", E, 3), ("b", E, 4)]
    behind = [("a", B, 1), ("a", E, 2), ("b", B, 3), ("b", E, 4)]

    assert found(tasks, beside, bonds=bonds) == {"a unique key is had by one job"}
    assert found(tasks, behind, bonds=bonds) == set()


def test_who_was_refused_and_is_stored_is_found() -> None:
    bonds = Bonds(keys={"a": "k", "b": "k", "c": "k"}, refused={"b": "a", "c": "gone"})

    assert found(dict.fromkeys("ab", "alone"), bonds=bonds) == {
        "who is refused a key is not stored",
        "who is refused a key is told who has it",
    }


def test_a_job_that_begins_while_a_breaker_is_open_is_found() -> None:
    tasks, opening = dict.fromkeys("ab", "call"), [Opening(10.0, 13.0)]

    early = [Lease("a", 1, 11.0, 12.0)]
    after = [Lease("a", 1, 13.0, 14.0), Lease("b", 2, 14.0, 15.0)]

    assert found(tasks, leases=early, openings=opening) == {"while a breaker is open none begins"}
    assert found(tasks, leases=after, openings=opening) == set()


def test_a_probe_too_many_is_found_until_one_has_succeeded() -> None:
    tasks, opening = dict.fromkeys("ab", "call"), [Opening(10.0, 13.0)]
    two = [Lease("a", 1, 13.0, 15.0), Lease("b", 2, 14.0, 15.0)]

    assert found(tasks, leases=two, openings=opening) == {"only so many probes try"}
    closed = [("a", B, 13.0), ("a", E, 13.5)]
    assert found(tasks, closed, leases=two, openings=opening) == set()


FLOW = NewWorkflow(
    id=JobId("flow"), name="chain", on_failure=OnFailure.CONTINUE,
    members=[Member(factories.job(id=JobId(each)), each) for each in "ab"],
    edges=[Edge(JobId("a"), JobId("b"), "success")],
)  # fmt: skip
TWO, BOTH = dict.fromkeys("ab", "linger"), {"a": "completed", "b": "completed"}
WELL = {"flow": Totals(2, 2, 0, 0, is_over=True)}


@pytest.mark.parametrize(
    ("seen", "ends", "totals", "promise"),
    [
        ([("a", B, 1), ("a", E, 2), ("b", B, 3), ("b", E, 4)], BOTH, WELL, None),
        (
            [("a", B, 1), ("b", B, 2), ("a", E, 3), ("b", E, 4)], BOTH, WELL,
            "no job begins before its parents have ended",
        ),
        (
            [("a", B, 1), ("b", B, 3), ("b", E, 4)], {"a": "failed", "b": "completed"},
            {"flow": Totals(2, 2, 1, 0, is_over=True)}, "what a failure calls off does not begin",
        ),
        (
            [("a", B, 1), ("a", E, 2)], {"a": "completed", "b": "cancelled"},
            {"flow": Totals(2, 2, 0, 1, is_over=True)}, "what may go on goes on",
        ),
        (
            [("a", B, 1), ("a", E, 2), ("b", B, 3), ("b", E, 4)], BOTH,
            {"flow": Totals(2, 1, 0, 0, is_over=False)},
            "a workflow ends with the totals of its jobs",
        ),
    ],
)  # fmt: skip
def test_a_workflow_that_goes_another_way_than_its_policy_is_found(
    seen: list[Seen], ends: dict[str, str], totals: dict[str, Totals], promise: str | None
) -> None:
    assert found(TWO, seen, ends=ends, bonds=Bonds(flows=[FLOW]), totals=totals) == (
        {promise} if promise else set()
    )
