"""What is said of a job whose task nobody knows yet."""

from __future__ import annotations

from onbeat.domain.unknown_tasks import warning_of


def test_a_mistyped_task_names_the_nearest() -> None:
    told = warning_of("chrage", ["charge", "report"], with_names=True)

    assert told == (
        "no worker that was here has a task 'chrage' (is charge meant?); "
        "its jobs wait for one that has it"
    )


def test_a_task_like_none_names_none() -> None:
    told = warning_of("chrage", ["report"], with_names=True)

    assert told == "no worker that was here has a task 'chrage'; its jobs wait for one that has it"


def test_who_may_not_see_tasks_is_told_no_name() -> None:
    told = warning_of("chrage", ["charge"], with_names=False)

    assert told is not None
    assert "charge" not in told


def test_a_task_that_is_known_is_not_warned_of() -> None:
    assert warning_of("charge", ["charge"], with_names=True) is None


def test_nothing_is_said_while_no_task_is_known() -> None:
    assert warning_of("charge", [], with_names=True) is None


def test_the_products_own_tasks_are_neither_meant_nor_counted_as_known() -> None:
    assert warning_of("onbeat.webhok", ["onbeat.webhook"], with_names=True) is None
