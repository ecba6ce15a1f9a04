"""What a job may be called, and how urgent it may be."""

from __future__ import annotations

from typing import Any

import pytest

from onbeat.domain.errors import InvalidInput
from onbeat.domain.jobs import check_name, check_priority, parse_job_id

DIGITS = "01bc2f2da5407000bf0c5e5c3257e0b4"


@pytest.mark.parametrize("priority", range(11))
def test_a_priority_from_0_to_10_is_taken(priority: int) -> None:
    assert check_priority(priority) == priority


@pytest.mark.parametrize("priority", [-1, 11, 5.0, "5", True, None])
def test_any_other_priority_is_refused(priority: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^priority: "):
        check_priority(priority)


@pytest.mark.parametrize("name", ["a", "mail.send", "rapports-été", "x" * 200, "a/b:c"])
def test_a_printable_name_without_spaces_is_taken(name: str) -> None:
    assert check_name("queue", name) == name


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "a\0b", "x" * 201, "\ud800", "a\nb"])
def test_any_other_name_is_refused_in_a_message_that_names_the_field(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"^queue: ") as caught:
        check_name("queue", name)

    assert caught.value.field == "queue"
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text", [DIGITS, DIGITS.upper(), f" {DIGITS}\n", "01bc2f2d-a540-7000-bf0c-5e5c3257e0b4"]
)
def test_a_job_id_is_read_with_and_without_dashes(text: str) -> None:
    assert parse_job_id(text) == DIGITS


@pytest.mark.parametrize("text", ["", "42", DIGITS[:-1], DIGITS + "0", "g" * 32, "٣" * 32])
def test_what_is_no_job_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="32 hexadecimal digits"):
        parse_job_id(text)
