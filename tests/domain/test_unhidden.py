"""Secrets that are kept where they are sent back as they are shown."""

from __future__ import annotations

import pytest

from onbeat.app.reading.patches import merged
from onbeat.domain.secrets import unhidden

KEPT = {"a": 1, "token": "s", "in": {"key": "k", "b": 2}, "list": [{"pw": "x"}, {"pw": "y"}]}
SHOWN = {"a": 1, "token": "***", "in": {"key": "***", "b": 2}, "list": [{"pw": "***"}] * 2}


def test_what_is_sent_back_as_it_is_shown_is_what_is_kept() -> None:
    assert unhidden(SHOWN, SHOWN, KEPT) == KEPT


def test_what_is_changed_is_changed_and_the_secrets_beside_it_are_kept() -> None:
    given = SHOWN | {"a": 2, "in": {"key": "***", "b": 3}}

    assert unhidden(given, SHOWN, KEPT) == KEPT | {"a": 2, "in": {"key": "k", "b": 3}}


def test_a_new_secret_takes_the_place_of_the_one_before() -> None:
    given = KEPT | {"token": "new"}

    assert unhidden(SHOWN | {"token": "new"}, SHOWN, KEPT) == given


def test_of_a_list_that_was_changed_no_secret_is_guessed() -> None:
    given = SHOWN | {"list": [{"pw": "***"}]}

    assert unhidden(given, SHOWN, KEPT)["list"] == [{"pw": "***"}]


def test_a_secret_in_another_place_is_not_found() -> None:
    assert unhidden({"other": "***"}, SHOWN, KEPT) == {"other": "***"}


@pytest.mark.parametrize(("given", "kept"), [(True, 1), (1, True), (1.0, 1)])
def test_what_python_takes_for_the_same_is_a_change(given: object, kept: object) -> None:
    assert repr(unhidden({"a": given}, {"a": kept}, {"a": kept})["a"]) == repr(given)


@pytest.mark.parametrize(
    ("target", "patch", "made"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_the_standard_says(
    target: object, patch: object, made: object
) -> None:
    """The examples of RFC 7396, appendix A."""
    assert merged(target, patch) == made
