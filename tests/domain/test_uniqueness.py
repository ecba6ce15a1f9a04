"""What makes two jobs the same, and what contradicts itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import NewJob
from onbeat.domain.uniqueness import Keyer, Unique, UniqueKey, check_unique, once_each
from tests import factories

NAMES = ("order_id", "tenant", "note")


def key(args: dict[str, Any] | str, task: str = "charge", **said: Any) -> str:
    text = args if isinstance(args, str) else msgspec.json.encode(args).decode()
    return Keyer(task, Unique(**said), NAMES, {"note": "none"}).key_of(text.encode()).key


def unique_job(key: str, *, replaces: bool = False) -> NewJob:
    return factories.job(unique=UniqueKey(key, f"unique:{key}", None, replaces))


SAME = [
    ({"order_id": 1, "tenant": "a"}, {"tenant": "a", "order_id": 1}),
    ({"order_id": {"x": 1, "y": 2}}, {"order_id": {"y": 2, "x": 1}}),
    ({"order_id": 1}, {"order_id": 1, "note": "none"}),
    ({"order_id": [1, {"b": 1, "a": 2}]}, '{"order_id": [1, {"a": 2, "b": 1}]}'),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_arguments_have_the_same_key_however_they_are_written(
    one: dict[str, Any], other: dict[str, Any] | str
) -> None:
    assert key(one) == key(other)


OTHERS = [
    ({"order_id": 1}, {"order_id": 2}),
    ({"order_id": 1}, {"order_id": "1"}),
    ({"order_id": 1}, {"order_id": None}),
    ({"order_id": None}, {"order_id": "null"}),
    ({"order_id": 10**20}, {"order_id": 10**20 + 1}),
    ({"order_id": 2**48 + 5}, {"order_id": 5}),
    ({"order_id": -1}, {"order_id": 1}),
    ({"order_id": "customer-1"}, {"order_id": "customer-2"}),
    ({"order_id": 1, "tenant": "a"}, {"order_id": 1, "tenant": "b"}),
    ({"order_id": 1, "tenant": 23}, {"order_id": 12, "tenant": 3}),
]


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_other_arguments_have_another_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert key(one) != key(other)
    assert key(one, by=("order_id", "tenant")) != key(other, by=("order_id", "tenant"))


@pytest.mark.parametrize("said", [{}, {"by": ("order_id",)}, {"key": "mine"}])
def test_another_task_s_job_has_another_key(said: dict[str, Any]) -> None:
    assert key({"order_id": 1}, "charge", **said) != key({"order_id": 1}, "refund", **said)


def test_arguments_that_do_not_count_change_no_key() -> None:
    by = ("order_id",)

    assert key({"order_id": 1, "note": "a"}, by=by) == key({"order_id": 1, "note": "b"}, by=by)


def test_a_given_key_is_no_arguments() -> None:
    assert key({"order_id": 1}, key="1") != key({"order_id": 1}, by=("order_id",))


@pytest.mark.parametrize(
    "order_id",
    [
        0,
        7,
        2**47,
        2**63,
        10**19 - 1,
        10**30,
        "a",
        "",
        "é" * 50,
        "0190B5A2-7C3D-7",
        None,
        -3,
        1.5,
        [1],
        {"a": 1},
    ],
)
def test_every_key_has_32_digits(order_id: Any) -> None:
    made = key({"order_id": order_id}, by=("order_id",))

    assert len(made) == 32
    assert int(made, 16) >= 0


@pytest.mark.parametrize(
    "order_id",
    [7, 10**11, 10**14, 10**30, "a", "", "a,b", 'a"b', "a\\", "}", "é\n", -3, 1.5, None, True, [1]],
)
def test_a_key_is_the_same_wherever_its_argument_stands(order_id: Any) -> None:
    by = ("order_id",)

    first = key({"order_id": order_id, "tenant": "t,u"}, by=by)

    assert key({"tenant": "t,u", "order_id": order_id}, by=by) == first
    assert key({"order_id": order_id}, by=by) == first


OPEN = [
    ({"order_id": 42}, {"by": ("order_id",)}, "00000000004294c674f42b59e6385b5d"),
    ({"order_id": 10**14}, {"by": ("order_id",)}, "5af3107a400000af5b804a4b91aff041"),
    ({"order_id": "customer-1"}, {"by": ("order_id",)}, "637573746f6d5a632023a533f9c75956"),
    ({"order_id": {"a": 1}}, {"by": ("order_id", "tenant")}, "2261223a317db7570e3aaa5dc93c7b95"),
    ({"order_id": 42}, {}, "6e6f6e652200c1479b2d22dc4f0c2993"),
    ({}, {"key": "nightly"}, "696768746c79b0616a5d89fc5bd62100"),
]


@pytest.mark.parametrize(("args", "said", "had"), OPEN)
def test_a_key_that_a_job_has_is_made_again_by_the_next_version(
    args: dict[str, Any], said: dict[str, Any], had: str
) -> None:
    assert key(args, **said) == had


GROWING = {
    "numbers": list(range(95, 105)),
    "numbers of 14 digits": list(range(10**13 - 5 + 10**12, 10**13 + 5 + 10**12)),
    "numbers of 64 bits that begin with a time": [
        (n << 22) + 7 for n in range(10**11, 10**11 + 10)
    ],
    "UUIDs of version 7": [f"0190b5a2-7c{n:02x}-7000-8000-{99 - n:012x}" for n in range(10)],
}


@pytest.mark.parametrize("ids", GROWING.values(), ids=GROWING.keys())
def test_ids_given_one_after_the_other_have_keys_in_their_order(ids: list[Any]) -> None:
    made = [key({"order_id": each}, by=("order_id",)) for each in ids]

    assert made == sorted(made)


REFUSED = [
    ({"by": ("order_id",), "key": "k"}, "key"),
    ({"until": "ended", "within": "10m"}, "within"),
    ({"until": "later"}, "until"),
    ({"on_conflict": "fail"}, "on_conflict"),
    ({"by": "order_id"}, "by"),
    ({"by": ()}, "by"),
    ({"key": ""}, "key"),
    ({"key": "k" * 501}, "key"),
    ({"within": "0s"}, "within"),
    ({"within": timedelta(seconds=-1)}, "within"),
    ({"within": "soon"}, "within"),
]


@pytest.mark.parametrize(("said", "field"), REFUSED)
def test_what_contradicts_itself_is_refused_by_name(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Unique(**said)

    assert refused.value.field == field


def test_an_argument_that_the_task_has_not_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"'order'.*order_id"):
        check_unique(Unique(by=("order",)), "charge", NAMES)


def test_of_jobs_with_one_key_the_first_is_stored() -> None:
    first, second, other = unique_job("a"), unique_job("a"), unique_job("b")

    assert once_each([first, second, other]) == ([first, other], {second.id: first.id})


def test_of_jobs_that_replace_each_other_the_last_is_stored() -> None:
    first, second = unique_job("a", replaces=True), unique_job("a", replaces=True)

    assert once_each([first, second]) == ([second], {first.id: second.id})
