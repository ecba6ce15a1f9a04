"""Hints sent over Django's connection are kept apart."""

from __future__ import annotations

from onbeat.store.guests.django import Hints
from tests.timing import ManualTiming


def test_a_topic_is_hinted_at_once_in_fifty_milliseconds(timing: ManualTiming) -> None:
    hints = Hints(timing)
    hints.due("onbeat", ["mail"])
    timing.advance(seconds=0.049)

    assert hints.due("onbeat", ["mail", "default"]) == {"default"}


def test_after_fifty_milliseconds_a_topic_is_hinted_at_again(timing: ManualTiming) -> None:
    hints = Hints(timing)
    hints.due("onbeat", ["mail"])
    timing.advance(seconds=0.051)

    assert hints.due("onbeat", ["mail"]) == {"mail"}


def test_a_topic_is_hinted_at_on_each_channel(timing: ManualTiming) -> None:
    hints = Hints(timing)
    hints.due("onbeat", ["mail"])

    assert hints.due("onbeat_staging", ["mail"]) == {"mail"}
