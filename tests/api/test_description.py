"""The description of the API says of everything what it is, and shows how it is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest

from onbeat import Onbeat
from onbeat.api import examples, glossary
from onbeat.api.asgi import make_app
from onbeat.api.bodies import Body
from onbeat.api.schema_names import PLAIN
from tests.api.asking import Client


@lru_cache
def described() -> dict[str, Any]:
    """The description; it needs no database."""
    return make_app(Onbeat("sqlite://")).openapi()


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in described()["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def named() -> dict[str, list[str]]:
    """Where each field and parameter stands, by its name; only those that need the glossary."""
    found: dict[str, list[str]] = {}
    for name, schema in described()["components"]["schemas"].items():
        for field, said in schema.get("properties", {}).items():
            if "$ref" not in said:
                found.setdefault(field, []).append(f"{name}: {said.get('description')}")
    for name, operation in operations():
        for each in operation.get("parameters", ()):
            found.setdefault(each["name"], []).append(f"{name}: {each.get('description')}")
    return found


def bodies(kind: type[Body] = Body) -> Iterator[type[Body]]:
    for each in kind.__subclasses__():
        yield each
        yield from bodies(each)


def sent() -> set[str]:
    """The names of the bodies that a route takes."""
    found = set()
    for _, operation in operations():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            schema = content["schema"]
            for each in (schema, *schema.get("anyOf", ())):
                found.add(each.get("$ref", "").rpartition("/")[2])
    return found - {""}


def test_every_route_has_words_of_its_own() -> None:
    summaries = [(each["summary"], each["tags"][0]) for _, each in operations()]

    assert [name for name, each in operations() if len(each["summary"]) < 4] == []
    assert len(set(summaries)) > 0.9 * len(summaries)


def test_every_field_and_parameter_says_what_it_means() -> None:
    silent = [each for places in named().values() for each in places if each.endswith(": None")]

    assert silent == []


def test_the_glossary_has_no_word_that_nothing_needs() -> None:
    used = {
        name for name, places in named().items()
        if any(each.partition(": ")[2] == glossary.MEANINGS.get(name) for each in places)
    }  # fmt: skip

    assert set(glossary.MEANINGS) - used == set()


def test_every_body_has_an_example() -> None:
    assert sent() - set(examples.EXAMPLES) == set()


@pytest.mark.parametrize("name", sorted(sent()))
def test_an_example_is_as_its_body_asks(name: str) -> None:
    models = {each.__name__: each for each in bodies()}

    models[name].model_validate(examples.EXAMPLES[name])


def test_an_example_is_of_something_that_there_is() -> None:
    assert set(examples.EXAMPLES) - set(described()["components"]["schemas"]) == set()


async def test_the_example_of_a_problem_is_what_is_answered(admin: Client) -> None:
    answer = await admin.told("POST", "/jobs", 400, json={"task": "charge", "priority": 11})
    shown = examples.EXAMPLES["ProblemDetails"]

    assert {**answer, "request_id": ""} == {**shown, "request_id": ""}


def test_every_schema_has_one_plain_name() -> None:
    names = set(described()["components"]["schemas"])

    assert [name for name in names if not re.fullmatch(r"([A-Z][a-z]*)+", name)] == []
    assert [name for name in names if name.startswith("Onbeat")] == []


def test_no_two_schemas_are_of_the_same_words() -> None:
    words = [
        json.dumps(each["enum"]) for each in described()["components"]["schemas"].values()
        if "enum" in each
    ]  # fmt: skip

    assert len(words) == len(set(words))


def test_all_that_is_referred_to_is_there() -> None:
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(described())))

    assert referred - set(described()["components"]["schemas"]) == set()


def test_no_name_of_a_word_is_given_for_nothing() -> None:
    assert set(PLAIN.values()) - set(described()["components"]["schemas"]) == set()
