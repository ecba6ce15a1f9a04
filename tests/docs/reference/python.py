"""docs/reference/python.md, from the public names and what they say of themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import onbeat
from tests.docs.reference.rows import about, code, table

OPENED = ("Onbeat", "Run", "Task", "Bound", "JobHandle", "ApiClient", "Service", "ServiceManager")
"""Classes whose methods are told of, as users call them."""


class _LeftOut:
    def __repr__(self) -> str:
        return "…"


LEFT_OUT = _LeftOut()


def python() -> Iterator[str]:
    """The page."""
    yield "# In code"
    yield ""
    yield (
        "All that `from onbeat import …` has. What each is for, by task: "
        "[the guides](../README.md). `onbeat.testing` is told of in [Testing](../testing.md)."
    )
    yield ""
    public = {name: getattr(onbeat, name) for name in onbeat.__all__ if name != "events"}
    yield from table(
        "name", "is", "",
        rows=((code(name), _kind(each), _first(each)) for name, each in public.items()),
    )  # fmt: skip
    for name in OPENED:
        yield from _class(name, public[name])


def _kind(thing: Any) -> str:
    if isinstance(thing, type):
        return "error" if issubclass(thing, BaseException) else "class"
    return "function" if callable(thing) else "type"


def _first(thing: Any) -> str:
    """The first paragraph of what it says of itself."""
    return about(thing).split("\n\n")[0]


def _class(name: str, kind: type) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield about(kind)
    yield ""
    members = {
        each: member
        for each, member in inspect.getmembers(kind)
        if not each.startswith("_") and about(_function(member))
    }
    if members:
        rows = ((code(_called(each, of)), about(_function(of))) for each, of in members.items())
        yield from table("", "", rows=rows)


def _function(member: Any) -> Any:
    return member.fget if isinstance(member, property) else member


def _called(name: str, member: Any) -> str:
    """How it is called, without types: those are in the code, for checkers."""
    if not inspect.isroutine(member):
        return name
    signature = inspect.signature(member)
    given = [_given(each) for each in signature.parameters.values() if each.name != "self"]
    plain = signature.replace(parameters=given, return_annotation=inspect.Signature.empty)
    waits = "await " if inspect.iscoroutinefunction(member) else ""
    return f"{waits}{name}{plain}"


def _given(parameter: inspect.Parameter) -> inspect.Parameter:
    """A parameter without its type; of a default that is no plain value, that there is one."""
    default = parameter.default
    if default is not parameter.empty and not isinstance(default, str | int | float | tuple | None):
        default = LEFT_OUT
    return parameter.replace(annotation=parameter.empty, default=default)
