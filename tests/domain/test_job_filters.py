"""What a list of jobs can be asked for, and what is refused: by the name of the field, with a way
out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat.domain import cursors
from onbeat.domain.errors import InvalidInput
from onbeat.domain.job_cursors import Position, Sort, cursor, read_cursor
from onbeat.domain.job_filters import ArgumentIs, JobFilter, read_filter
from onbeat.domain.jobs import JobId
from onbeat.domain.states import FINAL_STATES, State

JOB = JobId("0198c5a0b7d27c3e8f1d2a3b4c5d6e7f")
NOON = datetime(2030, 6, 15, 12, tzinfo=UTC)
ENDED = cursor(Sort.LAST_ENDED, Position(NOON, JOB))


def of(*said: object) -> str:
    """A cursor that somebody made up."""
    return cursors.cursor(said)


@given(
    st.sampled_from(Sort),
    st.integers(0, 16**32 - 1),
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),  # noqa: DTZ001
)
def test_a_cursor_is_read_as_it_was_written(sort: Sort, job: int, at: datetime) -> None:
    place = Position(at.replace(tzinfo=UTC) if sort.is_by_end else None, JobId(f"{job:032x}"))

    assert read_cursor("after", cursor(sort, place), sort) == place


def test_a_cursor_can_stand_in_an_address() -> None:
    assert set(ENDED) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_job_is_a_cursor_of_a_list_by_when_jobs_were_made() -> None:
    assert read_cursor("after", JOB, Sort.OLDEST) == Position(None, JOB)
    with pytest.raises(InvalidInput, match="no cursor"):
        read_cursor("after", JOB, Sort.LAST_ENDED)


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"limit": 0}, "limit", "give 1 or more"),
    ({"state": "lost"}, "state", "'lost' is no state; give one of scheduled, pending"),
    ({"state": 7}, "state", "7 is no state"),
    ({"sort": "odd"}, "sort", "give one of newest, oldest, last-ended, first-ended"),
    ({"sort": "last-ended", "state": ["failed", "pending"]}, "sort", "give newest or oldest"),
    ({"task": ""}, "task", "give one"),
    ({"task": "a\0"}, "task", "leave that out"),
    ({"queue": "\ud800"}, "queue", "leave that out"),
    ({"task": 7}, "task", "no text"),
    ({"task": [f"t{n}" for n in range(21)]}, "task", "give at most 20"),
    ({"schedule": "nightly"}, "schedule", "begins no id"),
    ({"schedule": "0198"}, "schedule", "it has 32"),
    ({"tag": "a b"}, "tag", "no tag"),
    ({"owner": ""}, "owner", "no owner"),
    ({"id": "xyz"}, "id", "give 1 to 32 hexadecimal digits"),
    ({"id": ""}, "id", "give 1 to 32 hexadecimal digits"),
    ({"id": "0" * 33}, "id", "give 1 to 32 hexadecimal digits"),
    ({"created_since": NOON.replace(tzinfo=None)}, "created_since", "add one"),
    ({"created_since": NOON, "created_until": NOON.replace(hour=1)}, "created_until", "later"),
    ({"finished_since": NOON, "finished_until": NOON.replace(hour=1)}, "finished_until", "later"),
    ({"error": ""}, "error", "no text"),
    ({"error": "x" * 1001}, "error", "1 to 1,000"),
    ({"args": {"": 1}}, "args", "no place in arguments; give at most 10 names"),
    ({"args": {"a..b": 1}}, "args", "no place"),
    ({"args": {'a"b': 1}}, "args", "no place"),
    ({"args": {"a\0": 1}}, "args", "no place"),
    ({"args": {".".join("abcdefghijk"): 1}}, "args", "at most 10 names"),
    ({"args": {"a": [1]}}, "args", "what is at a cannot be compared"),
    ({"args": {"a": 2**63}}, "args", "at most 64 bits"),
    ({"args": {"a": float("nan")}}, "args", "cannot be compared"),
    ({"args": {"a": "\0"}}, "args", "leave that out"),
    ({"args": ["a"]}, "args", "customer.id"),
    ({"after": JOB, "before": JOB}, "before", "together with after; give one"),
    ({"after": "x"}, "after", "no cursor of this list; give the one of a page, or begin without"),
    ({"after": "é"}, "after", "no cursor"),
    ({"after": 7}, "after", "no cursor"),
    ({"after": ""}, "after", "no cursor"),
    ({"before": "A" * 201}, "before", "no cursor"),
    ({"after": ENDED}, "after", "by last-ended, this one is by newest; begin without"),
    ({"after": of("newest", None, "zz")}, "after", "no cursor"),
    ({"after": of("odd", None, JOB)}, "after", "no cursor"),
    ({"after": of("newest", 5, JOB)}, "after", "no cursor"),
    ({"after": of("last-ended", None, JOB), "sort": "last-ended"}, "after", "no cursor"),
    ({"after": of("last-ended", 2**62, JOB), "sort": "last-ended"}, "after", "no cursor"),
    ({"after": of("newest", None, JOB)[:-4]}, "after", "no cursor"),
    ({"after": cursors.cursor(JOB)}, "after", "no cursor"),
    ({"after": cursors.cursor(None)}, "after", "no cursor"),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "field", "told"), BAD)
def test_what_cannot_be_asked_for_is_refused(given_: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        read_filter(JobFilter(**given_))

    assert caught.value.field == field


def test_a_list_by_when_jobs_ended_is_of_those_that_have() -> None:
    assert set(read_filter(JobFilter(sort="last-ended")).states) == FINAL_STATES
    assert read_filter(JobFilter(sort="last-ended", state="failed")).states == (State.FAILED,)


def test_one_value_and_several_are_taken_alike() -> None:
    assert read_filter(JobFilter(task="a")) == read_filter(JobFilter(task=["a", "a"]))


@pytest.mark.parametrize("args", ["3", "null", '"***"', "[]", '{"a":{}}', '{"a":[]}', '{"a":3}'])
def test_where_there_is_no_such_place_nothing_is_there(args: str) -> None:
    assert not ArgumentIs(("a", "0"), None).holds(args)
