"""One SQL text, in the parameter style each driver wants."""

from __future__ import annotations

from onbeat.store.rendering import named, numbered


def test_numbers_stand_for_names_in_the_order_they_first_appear() -> None:
    assert numbered("SELECT :b, :a, :b") == ("SELECT $1, $2, $1", ("b", "a"))


def test_names_are_written_as_psycopg_and_django_want_them() -> None:
    assert named("SELECT :jobs, :now") == "SELECT %(jobs)s, %(now)s"


def test_a_percent_sign_of_the_text_is_doubled() -> None:
    assert named("SELECT 7 % :by") == "SELECT 7 %% %(by)s"


def test_a_cast_with_colons_is_left_alone() -> None:
    assert named("SELECT :x::text") == "SELECT %(x)s::text"
