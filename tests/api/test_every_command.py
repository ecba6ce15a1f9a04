"""What the command line and the code can do, REST can, or docs/commands.md says why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from onbeat import Onbeat
from onbeat.api.asgi import make_app
from onbeat.api.bodies import PREFIX
from onbeat.cli.root import ENTRIES

DOCUMENT = Path(__file__).parents[2] / "docs" / "commands.md"
QUOTED = re.compile(r"`([^`]+)`")
ROUTE = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) /\S*")
REASON = "none: "
SHORTEST_REASON = 20

SELF = make_app(Onbeat("sqlite:///nowhere.db")).openapi()["paths"]


def rows(heading: str) -> list[tuple[list[str], str]]:
    """The names in the first column of each row below the heading, and the second column."""
    part = DOCUMENT.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [
        (QUOTED.findall(first), second.strip())
        for first, second in (line.strip("|").split("|") for line in lines)
    ]


def commands() -> Iterator[str]:
    """Every command there is, as it is typed after `onbeat`."""
    for entry in ENTRIES.values():
        inner = getattr(entry.load(), "commands", None)
        yield from [entry.name] if inner is None else (f"{entry.name} {each}" for each in inner)


def methods() -> Iterator[str]:
    """All that is public of an application, and of what hangs on it."""
    ob = Onbeat("sqlite:///nowhere.db")
    yield from (name for name in dir(type(ob)) if not name.startswith("_"))
    for name, noun in vars(ob).items():
        if name.startswith("_"):
            continue
        inner = [
            each for each in dir(type(noun))
            if not each.startswith("_") and callable(getattr(type(noun), each))
        ]  # fmt: skip
        is_noun = type(noun).__module__.startswith("onbeat.app.")
        yield from (f"{name}.{each}" for each in inner) if is_noun else [name]


def routes(text: str) -> list[tuple[str, str]]:
    """The routes that a cell names: method and path."""
    return [
        (method, path)
        for quoted in QUOTED.findall(text)
        if ROUTE.fullmatch(quoted)
        for method, path in (quoted.split(" "),)
    ]


EVERY = {"Commands": set(commands()), "In code": set(methods())}


@pytest.mark.parametrize("heading", EVERY)
def test_everything_that_can_be_done_has_one_row(heading: str) -> None:
    told = [name for names, _ in rows(heading) for name in names]

    assert EVERY[heading] - set(told) == set()
    assert set(told) - EVERY[heading] == set()
    assert [name for name in told if told.count(name) > 1] == []


@pytest.mark.parametrize("heading", EVERY)
def test_each_row_has_a_route_or_says_why_there_is_none(heading: str) -> None:
    bare = [
        names for names, text in rows(heading)
        if not routes(text) and not (
            text.startswith(REASON) and len(text) > len(REASON) + SHORTEST_REASON
        )
    ]  # fmt: skip

    assert bare == []


@pytest.mark.parametrize("heading", EVERY)
def test_each_route_that_is_named_is_there(heading: str) -> None:
    named = {each for _, text in rows(heading) for each in routes(text)}
    there = {(method.upper(), path) for path, found in SELF.items() for method in found}
    missing = {
        (method, path) for method, path in named
        if (method, path) not in there and (method, f"{PREFIX}{path}") not in there
    }  # fmt: skip

    assert missing == set()
