"""What is said of a queue that nobody uses."""

from __future__ import annotations

from onbeat.domain.queues import unused


def test_a_queue_like_one_that_is_used_names_that() -> None:
    assert unused("biling", ["billing", "mail"]) == (
        "no job is in queue 'biling' (is billing meant?), and no worker serves it"
    )


def test_a_queue_like_none_names_none() -> None:
    assert unused("x", ["mail"]) == "no job is in queue 'x', and no worker serves it"


def test_a_queue_that_is_used_is_not_warned_of() -> None:
    assert unused("mail", ["mail"]) is None
