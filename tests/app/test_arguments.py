"""Arguments: each refusal names what is wrong; what is taken comes back as it went in."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pydantic
import pytest

from onbeat import (
    ArgumentsTooLarge,
    InvalidArguments,
    InvalidInput,
    InvalidTask,
    Onbeat,
    Retry,
    Run,
    Settings,
    every,
)


class Colour(enum.Enum):
    """Stored by its value."""

    RED = "red"


@dataclass(frozen=True)
class Point:
    """A dataclass."""

    left: int
    top: int = 0


class Box(msgspec.Struct, frozen=True):
    """A msgspec struct."""

    corner: Point
    name: str = "box"


class Order(pydantic.BaseModel):
    """A pydantic model."""

    number: int
    lines: list[str] = []


def charge(order: int, *, tenant: str = "acme") -> None:
    """A plain task."""


def given(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """What the function would be called with, after a journey through the store."""
    definition = Onbeat("sqlite:///:memory:", settings=Settings()).task(function).definition
    return definition.arguments.decode(definition.arguments.encode(args, kwargs))


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, "order: it is missing; it takes (order, tenant)"),
        ((1, 2), {}, "args: charge takes 1 positional arguments, 2 were given"),
        ((1,), {"colour": 1}, "colour: charge has no such argument; it takes (order, tenant)"),
        ((1,), {"order": 2}, "order: it is given twice, by position and by name"),
        (("one",), {}, "order: Expected `int`, got `str`"),
        ((1,), {"tenant": 7}, "tenant: Expected `str`, got `int`"),
        ((1.5,), {}, "order: Expected `int`, got `float`"),
        ((True,), {}, "order: Expected `int`, got `bool`"),
        ((object(),), {}, "order: object cannot be stored as JSON"),
        ((1,), {"tenant": "a\0b"}, "tenant: text holds a NUL character; remove it"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(
    args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        given(charge, *args, **kwargs)

    assert str(caught.value).startswith(message)


def test_arguments_that_are_too_large_are_refused() -> None:
    with pytest.raises(ArgumentsTooLarge) as caught:
        given(charge, 1, tenant="x" * 262_144)

    assert str(caught.value) == (
        "tenant: it has 262146 bytes, the largest share of 262167 bytes of JSON, at most 262144 "
        "are taken; store the data elsewhere and give its address, or raise ONBEAT_MAX_PAYLOAD"
    )


def test_a_setting_says_how_large_arguments_may_be() -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings(max_payload=2_000))
    task = ob.task(charge)

    task.bind(1, tenant="x" * 1_900)
    with pytest.raises(ArgumentsTooLarge, match="at most 2000 are taken"):
        task.bind(1, tenant="x" * 2_000)
    with pytest.raises(ArgumentsTooLarge, match="at most 2000 are taken"):
        ob.jobs.bind("unknown", f'{{"tenant": "{"x" * 2_000}"}}', must_be_known=False)


def with_args(*orders: int) -> None:
    """Takes any number."""


def with_kwargs(**orders: int) -> None:
    """Takes any names."""


def unannotated(order) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001, RUF100
    """Says nothing of its parameter."""


def of_any(order: Any) -> None:
    """Says as good as nothing."""


def run_second(order: int, run: Run) -> None:
    """Wants the run where it is not given."""


def named_run(order: int, run: int) -> None:
    """Calls something else a run."""


def generate(order: int) -> Iterator[int]:
    """Yields."""
    yield order


def positional_only(order: int, /) -> None:
    """Cannot be called by name, as jobs are."""


def of_function(order: Callable[[], int]) -> None:
    """Takes what JSON does not know."""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (with_args, "orders: with_args: \\*args and \\*\\*kwargs cannot be stored"),
        (with_kwargs, "orders: with_kwargs: \\*args and \\*\\*kwargs cannot be stored"),
        (unannotated, "order: unannotated: annotate the first parameter with its type"),
        (of_any, "order: of_any: annotate the first parameter with its type"),
        (run_second, "run: run_second: the run must be the first parameter"),
        (named_run, "run: named_run: the run must be the first parameter"),
        (generate, "task: generate: a generator cannot be a task; return the result"),
        (positional_only, "order: positional_only: .*by name"),
        (of_function, "order: of_function: "),
    ],
)
def test_a_function_that_cannot_be_a_task_is_refused_where_it_is_declared(
    function: Callable[..., Any], message: str
) -> None:
    with pytest.raises(InvalidTask, match=message):
        Onbeat("sqlite:///:memory:", settings=Settings()).task(function)


def test_an_isolated_function_inside_a_function_is_refused() -> None:
    def inner() -> None:
        """Cannot be found by a child."""

    with pytest.raises(InvalidTask, match="move it to the top of its module"):
        Onbeat("sqlite:///:memory:", settings=Settings()).task(isolate="process")(inner)


@pytest.mark.parametrize("retry", [5, 0, True, "5s", Retry])
def test_what_is_no_retry_is_refused_where_it_is_declared(retry: Any) -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    for declare in (
        lambda: ob.task(retry=retry)(generate_none),
        lambda: ob.task(generate_none).opts(retry=retry),
        lambda: ob.task(retry=Retry(by={ValueError: retry})),
    ):
        with pytest.raises(
            InvalidInput, match=r"(retry|by): .* is not a Retry; give .*Retry\((5|0|True)\)"
        ):
            declare()


def test_a_name_without_its_keyword_is_refused() -> None:
    with pytest.raises(InvalidTask, match=r"'charge' is not a function; .*@ob.task\(name=…"):
        Onbeat("sqlite:///:memory:", settings=Settings()).task("charge")  # type: ignore[call-overload]


def test_a_schedule_below_its_task_is_told_to_go_above() -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())

    with pytest.raises(InvalidTask, match=r"generate_none is not a task yet; put @ob\.schedule"):

        @ob.task
        @ob.schedule(every("1h"))  # type: ignore[arg-type]
        def generate_none() -> None: ...


def test_two_functions_of_one_name_are_refused() -> None:
    ob = Onbeat("sqlite:///:memory:", settings=Settings())
    ob.task(name="charge")(generate_none)

    with pytest.raises(InvalidTask, match=r"'charge' is taken by .*generate_none; give name="):
        ob.task(charge)


def generate_none() -> None:
    """Not a generator in spite of its name."""


def take_point(value: Point) -> None: ...


def take_box(value: Box) -> None: ...


def take_order(value: Order) -> None: ...


def take_orders(value: list[Order]) -> None: ...


def take_colour(value: Colour) -> None: ...


def take_moment(value: datetime) -> None: ...


def take_day(value: date) -> None: ...


def take_decimal(value: Decimal) -> None: ...


def take_uuid(value: UUID) -> None: ...


def take_duration(value: timedelta) -> None: ...


def take_optional(value: int | None) -> None: ...


def take_dict(value: dict[str, list[Point]]) -> None: ...


def take_bytes(value: bytes) -> None: ...


def take_set(value: frozenset[int]) -> None: ...


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (take_point, Point(1, 2)),
        (take_box, Box(Point(1, 2), "b")),
        (take_order, Order(number=1, lines=["a"])),
        (take_orders, [Order(number=1), Order(number=2)]),
        (take_colour, Colour.RED),
        (take_moment, datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)),
        (take_day, date(2030, 1, 2)),
        (take_decimal, Decimal("1.10")),
        (take_uuid, UUID(int=7)),
        (take_duration, timedelta(minutes=3, microseconds=1)),
        (take_optional, None),
        (take_optional, 3),
        (take_dict, {"a": [Point(1), Point(2, 3)]}),
        (take_bytes, b"\x00\xff"),
        (take_set, frozenset({1, 2})),
    ],
)
def test_what_is_taken_comes_back_as_it_went_in(
    function: Callable[..., Any], value: object
) -> None:
    assert given(function, value) == {"value": value}


def default_order(value: Order = Order(number=9)) -> None:  # noqa: B008 - what is tested
    """A model as a default."""


def optional_order(value: Order | None = None) -> None:
    """A model or none."""


@pytest.mark.parametrize("function", [default_order, optional_order])
def test_a_default_is_left_to_the_function(function: Callable[..., Any]) -> None:
    assert given(function) == {}


@pytest.mark.parametrize("function", [default_order, optional_order])
def test_a_model_in_a_defaults_place_is_taken(function: Callable[..., Any]) -> None:
    assert given(function, Order(number=1)) == {"value": Order(number=1)}


def test_a_model_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidArguments, match=r"value\.number: Input should be a valid integer"):
        given(take_order, {"number": "one"})


def test_the_run_is_no_argument() -> None:
    def with_run(run: Run, order: int) -> None:
        """Is given its run by the worker."""

    assert given(with_run, 1) == {"order": 1}


def take_many(orders: dict[str, list[Order]], box: Box, ratio: float | None = None) -> None:
    """Takes what is nested."""


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        (
            {"orders": {"a": [{"number": "x"}]}},
            "orders[...][0].number: Input should be",
        ),
        ({"orders": {"a": [{}]}}, "orders[...][0].number: Field required"),
        ({"orders": {}, "box": {"corner": {"left": "x"}}}, "box.corner.left: Expected `int`, got"),
        ({"orders": {}, "box": {"corner": {}}}, "box.corner: Object missing required field `left`"),
        ({"orders": {}, "box": Box(object())}, "box.corner: object cannot be stored as JSON"),  # type: ignore[arg-type]
        ({"orders": {"a": [1, {2, object}]}}, "orders.a[1]["),
        (
            {"orders": {}, "ratio": float("nan")},
            "ratio: JSON has no NaN and no infinity",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_its_place_within(
    kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        given(take_many, **{"box": Box(Point(1)), **kwargs})

    assert str(caught.value).startswith(message)
    assert str(caught.value).startswith(f"{caught.value.field}: ")


class Aliased(pydantic.BaseModel):
    """A model whose fields have other names outside, and one that is computed."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True)

    number: int = pydantic.Field(alias="orderNumber")
    made: datetime = pydantic.Field(validation_alias="madeAt", serialization_alias="made_on")

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def twice(self) -> int:
        """Not to be read back."""
        return self.number * 2


def take_aliased(value: Aliased) -> None: ...


@pytest.mark.parametrize(
    "value",
    [
        Aliased(orderNumber=3, madeAt=datetime(2030, 1, 2, tzinfo=UTC)),  # type: ignore[call-arg]
        {"orderNumber": 3, "madeAt": "2030-01-02T00:00:00Z"},
        {"number": 3, "made": "2030-01-02T00:00:00Z"},
    ],
)
def test_a_model_with_aliases_is_taken_by_either_name_and_comes_back(value: Any) -> None:
    expected = Aliased(orderNumber=3, madeAt=datetime(2030, 1, 2, tzinfo=UTC))  # type: ignore[call-arg]

    assert given(take_aliased, value) == {"value": expected}
