"""Answers that are kept: how many, for how long, under which names."""

from __future__ import annotations

from itertools import combinations

import pytest

from onbeat.domain.keeping import (
    COUNTS,
    KEEPINGS,
    LARGEST,
    LONGEST_REST,
    REPORT,
    STATS,
    WHOLE_REPORT,
    Counted,
    Edited,
    From,
    Kept,
    Shelf,
    Trust,
    edited_by,
    key_of,
)


def kept(size: int) -> Kept:
    return Kept(body=b"x" * size, headers={}, began=0.0)


def test_a_shelf_has_no_more_than_so_many_and_those_not_asked_for_make_way() -> None:
    shelf = Shelf(most=2)
    for key in "ab":
        shelf.put(key, kept(1))
    shelf.get("a")
    shelf.put("c", kept(1))

    assert [key for key in "abc" if shelf.get(key)] == ["a", "c"]


def test_a_shelf_has_no_more_than_so_many_bytes() -> None:
    shelf = Shelf(most_bytes=250)
    for key in "abcd":
        shelf.put(key, kept(99))

    assert ([key for key in "abcd" if shelf.get(key)], shelf.bytes) == (["c", "d"], 200)


def test_what_is_put_again_counts_once() -> None:
    shelf = Shelf()
    for size in (10, 20):
        shelf.put("a", kept(size))

    assert (len(shelf), shelf.bytes) == (1, 21)


def test_what_is_too_large_is_not_kept_and_what_was_there_is_gone() -> None:
    shelf = Shelf()
    shelf.put("a", kept(1))
    shelf.put("a", kept(LARGEST))

    assert (shelf.get("a"), shelf.bytes) == (None, 0)


def test_whatever_differs_has_another_name() -> None:
    told = [
        (REPORT, None, []), (REPORT, "ann", []), (REPORT, None, ["ann"]), (REPORT, "", []),
        (STATS, None, []), (REPORT, None, [["a", "b"]]), (REPORT, None, [["ab", ""]]),
    ]  # fmt: skip
    names = [key_of(keeping, *said) for keeping, *said in told]

    assert all(one != other for one, other in combinations(names, 2))


@pytest.mark.parametrize(
    ("action", "kind", "what"),
    [("queue.pause", "queue", Edited.QUEUE), ("objective.set", "objective", Edited.OBJECTIVE),
     ("schedule.change", "schedule", Edited.SCHEDULE), ("schedule.create", "schedule", None),
     ("crontab.import", "crontab", Edited.SCHEDULE), ("user.create", "user", None)],
)  # fmt: skip
def test_what_answers_show_is_known_when_it_is_edited(
    action: str, kind: str, what: Edited | None
) -> None:
    assert edited_by(action, kind) is what


def test_what_errors_say_is_not_shared() -> None:
    assert (REPORT.is_shared, WHOLE_REPORT.is_shared) == (True, False)


def test_every_kind_and_place_is_counted_also_where_there_were_none() -> None:
    counted = Counted()
    counted.add(COUNTS, From.OTHERS)

    found = counted.all()

    assert len(found) == len(KEEPINGS) * len(From)
    assert {pair for pair, count in found.items() if count} == {("counts", From.OTHERS)}


def test_what_failed_is_not_asked_for_a_while_that_grows_to_a_bound() -> None:
    trust, now, rests = Trust(), 100.0, []
    for _ in range(6):
        trust = trust.failed(now)
        rests.append(trust.again_at - now)
        now = trust.again_at

    assert rests == [1, 2, 4, 8, LONGEST_REST, LONGEST_REST]
    assert not trust.asks(now - 0.1)
    assert trust.asks(now)


def test_one_alone_asks_what_failed_last() -> None:
    failed = Trust().failed(100.0)
    asked = failed.asking(failed.again_at)

    assert not asked.asks(failed.again_at)
    assert Trust().asking(100.0).asks(100.0)
