"""Arguments and results of every kind that is promised come back as they went in."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onbeat import Onbeat, Secret, Settings
from onbeat.app.tasks import Task
from onbeat.runtime.arguments import Arguments, Parameter
from onbeat.runtime.worker.executor import encode_result
from onbeat.store.texts import storable_json


class Level(enum.Enum):
    """Stored by its value."""

    LOW = "low"
    HIGH = "high"


class Number(enum.IntEnum):
    """Stored by its number."""

    ONE = 1
    TWO = 2


@dataclass
class Line:
    """A dataclass, with one of each."""

    price: Decimal
    level: Level
    at: datetime
    tags: frozenset[str] = frozenset()
    data: bytes = b""


class Order(msgspec.Struct):
    """A struct of dataclasses."""

    id: UUID
    lines: list[Line]
    number: Number = Number.ONE
    day: date | None = None


class Customer(pydantic.BaseModel):
    """A model of the same."""

    name: str
    born: date
    limit: Decimal
    level: Level
    seen: datetime
    token: pydantic.SecretStr = pydantic.SecretStr("")
    waits: timedelta = timedelta()
    raw: dict[str, tuple[int, ...]] = {}


@dataclass
class Everything:
    """All of it in one, and within itself."""

    order: Order
    customers: dict[str, Customer] = field(default_factory=dict)
    inner: Everything | None = None
    secret: Secret[str] = ""


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes(timezones=st.just(UTC))
decimals = st.decimals(allow_nan=False, allow_infinity=False)
lines = st.builds(
    Line,
    price=decimals,
    level=st.sampled_from(Level),
    at=moments,
    tags=st.frozensets(texts, max_size=3),
    data=st.binary(max_size=20),
)
orders = st.builds(
    Order,
    id=st.uuids(),
    lines=st.lists(lines, max_size=3),
    number=st.sampled_from(Number),
    day=st.none() | st.dates(),
)
customers = st.builds(
    Customer,
    name=texts,
    born=st.dates(),
    limit=decimals,
    level=st.sampled_from(Level),
    seen=moments,
    token=st.builds(pydantic.SecretStr, texts),
    waits=st.timedeltas(timedelta(-10_000), timedelta(10_000)),
    raw=st.dictionaries(texts, st.lists(st.integers(-(2**53), 2**53)).map(tuple), max_size=2),
)
everything = st.recursive(
    st.builds(
        Everything,
        order=orders,
        customers=st.dictionaries(texts, customers, max_size=2),
        inner=st.none(),
        secret=texts,
    ),
    lambda inner: st.builds(Everything, order=orders, inner=inner, secret=texts),
    max_leaves=3,
)

here = Onbeat("sqlite:///:memory:", settings=Settings())


@here.task
def take_line(value: Line) -> Line:
    return value


@here.task
def take_order(value: Order) -> Order:
    return value


@here.task
def take_customer(value: Customer) -> Customer:
    return value


@here.task
def take_everything(value: Everything) -> Everything:
    return value


@here.task
def take_plain(value: dict[str, list[int | float | str | bool | None]]) -> object:
    return value


@here.task
def take_times(value: tuple[time, timedelta, date, datetime]) -> object:
    return value


T = TypeVar("T")


class Vault(pydantic.RootModel[dict[str, pydantic.SecretStr]]):
    """A model that is a single value, and hides it."""


class Box(pydantic.BaseModel, Generic[T]):
    """A model of any value."""

    value: T


class Spoken(pydantic.BaseModel):
    """A model that writes itself by other names."""

    model_config = pydantic.ConfigDict(serialize_by_alias=True)
    word: pydantic.SecretStr = pydantic.Field(alias="theWord")


HIDDEN = pydantic.SecretStr("hunter-2")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Vault, Vault({"door": HIDDEN})),
        (list[Vault], [Vault({"door": HIDDEN})]),
        (Box[pydantic.SecretStr], Box[pydantic.SecretStr](value=HIDDEN)),
        (Box[Vault], Box[Vault](value=Vault({"door": HIDDEN}))),
        (Spoken, Spoken(theWord=HIDDEN)),
        (pydantic.Secret[int], pydantic.Secret[int](1234)),
        (pydantic.Secret[date], pydantic.Secret[date](date(1984, 3, 1))),
    ],
    ids=str,
)
def test_what_hides_its_value_comes_back_with_it(kind: Any, value: object) -> None:
    arguments = Arguments("take", [Parameter("value", kind, required=True, positional=True)])

    assert arguments.decode(arguments.encode((value,), {})) == {"value": value}


plain = st.dictionaries(
    texts,
    st.lists(
        st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | texts
        | st.booleans()
        | st.none()
    ),
)
times = st.tuples(st.times(), st.timedeltas(), st.dates(), st.datetimes())


def journey(task: Task[..., Any, Any], value: object) -> object:
    """The value after a journey through the store, as the task would get it."""
    arguments = task.definition.arguments
    return arguments.decode(arguments.encode((value,), {}))["value"]


@pytest.mark.parametrize(
    ("task", "values"),
    [
        (take_line, lines),
        (take_order, orders),
        (take_customer, customers),
        (take_everything, everything),
        (take_plain, plain),
        (take_times, times),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
def test_every_argument_comes_back_as_it_went_in(
    task: Task[..., Any, Any], values: st.SearchStrategy[object]
) -> None:
    @given(values)
    def law(value: object) -> None:
        assert journey(task, value) == value

    law()


def without_secrets(customer: Customer) -> Customer:
    return customer.model_copy(update={"token": pydantic.SecretStr("")})


@pytest.mark.parametrize(
    ("task", "values"),
    [(take_line, lines), (take_order, orders), (take_customer, customers.map(without_secrets))],
    ids=lambda each: getattr(each, "name", ""),
)
def test_every_result_comes_back_as_it_was_returned(
    task: Task[..., Any, Any], values: st.SearchStrategy[object]
) -> None:
    @given(values)
    def law(value: object) -> None:
        kept = storable_json(encode_result(value).decode())
        read = task.definition.read_result(kept)
        if isinstance(read, Customer):
            read = without_secrets(read)
        assert read == value

    law()


@pytest.mark.parametrize(
    "number",
    [
        *(2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30, 10**400),
        *(5e-324, 1.5e15, 0.1 + 0.2, -2.5, 1.0),
        *(1e16, 1e22, -1e22, 1.2345678901234568e17, 1.7976931348623157e308),
    ],
)
async def test_a_number_comes_back_exactly_from_either_database(ob: Onbeat, number: float) -> None:
    @ob.task
    async def keep(value: int | float) -> int | float:
        return value

    async with ob.running(scheduler=False):
        result = await (await keep.enqueue(number)).result("10s")

    assert (type(result), result) == (type(number), number)


async def test_zero_has_no_sign_on_either_database(ob: Onbeat) -> None:
    @ob.task
    async def keep(value: list[float]) -> list[float]:
        return value

    async with ob.running(scheduler=False):
        job = await keep.enqueue([-0.0, 0.0])
        assert repr(await job.result("10s")) == "[0.0, 0.0]"
    assert (await job.show()).args.replace(" ", "") == '{"value":[0.0,0.0]}'


async def test_a_large_float_of_a_task_that_only_a_worker_knows_stays_one(ob: Onbeat) -> None:
    job = await ob.jobs.enqueue("elsewhere", '{"value": [1e22, 1]}', must_be_known=False)

    [large, small] = json.loads((await job.show()).args)["value"]
    assert (type(large), type(small)) == (float, int)
