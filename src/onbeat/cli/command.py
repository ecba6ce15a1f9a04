"""How commands are declared: what every one of them takes is added here, once.

A command is a function of an `Invocation` and its own options, `async` where it asks the store.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from onbeat.cli.groups import HelpfulGroup
from onbeat.cli.invocation import Invocation
from onbeat.cli.ruled import Ruled
from onbeat.cli.telling import Told, Where
from onbeat.cli.when import When
from onbeat.cli.which import Which

F = TypeVar("F", bound=Callable[..., Any])

BUNDLES = (Ruled, Told, When, Where, Which)
"""Dataclasses that stand for an option for each of their fields."""

KEYWORD = inspect.Parameter.KEYWORD_ONLY
OF_ALL = {
    "db": Annotated[str | None, typer.Option(metavar="URL", help="The database (or ONBEAT_DB).")],
    "environment": Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which in the database (or ONBEAT_ENVIRONMENT)."),
    ],
    "json": Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")],
    "debug": Annotated[bool, typer.Option("--debug", help="Show tracebacks (or ONBEAT_DEBUG=1).")],
}
OF_APPS = {
    "app": Annotated[
        str | None,
        typer.Option(metavar="MODULE:NAME", help="Where the tasks are (or ONBEAT_APP)."),
    ]
}
DEFAULTS = {"db": None, "environment": None, "json": False, "debug": False, "app": None}


def noun(about: str) -> typer.Typer:
    """A group of commands on one noun."""
    made = typer.Typer(cls=HelpfulGroup, help=about, rich_markup_mode=None, add_completion=False)
    made.callback()(lambda: None)
    return made


def standing_alone() -> typer.Typer:
    """What a command that belongs to no noun is declared on."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def command(
    group: typer.Typer, name: str, *examples: str, takes_app: bool = False
) -> Callable[[F], F]:
    """Declare a command; its docstring and `examples` are its help."""

    def declare(function: F) -> F:
        shown = "\n".join(f"  {example}" for example in examples)
        heading = "Examples" if len(examples) > 1 else "Example"
        group.command(
            name,
            help=inspect.getdoc(function),
            epilog=f"\b\n{heading}:\n{shown}",
        )(_completed(function, OF_ALL | (OF_APPS if takes_app else {})))
        return function

    return declare


def _completed(function: Callable[..., Any], shared: dict[str, Any]) -> Callable[..., None]:
    """The function the parser sees: the command's own options and those that all have."""
    signature = inspect.signature(function, eval_str=True)
    declared = list(signature.parameters.values())[1:]
    bundled = {each.name: each.annotation for each in declared if each.annotation in BUNDLES}
    own = [option for each in declared for option in _options(each)]
    added = [
        inspect.Parameter(name, KEYWORD, default=DEFAULTS[name], annotation=annotation)
        for name, annotation in (shared | {}).items()
    ]
    parameters = [each.replace(kind=KEYWORD) for each in own] + added

    def invoke(**values: Any) -> None:
        given = {name: values.pop(name) for name in shared}
        for name, kind in bundled.items():
            values[name] = kind(**{each.name: values.pop(each.name) for each in fields(kind)})
        invocation = Invocation(
            db=given["db"],
            environment=given["environment"],
            json=given["json"],
            app=given.get("app"),
        )
        result = function(invocation, **values)
        if inspect.iscoroutine(result):
            asyncio.run(result)

    invoke.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # PEP 362
    invoke.__annotations__ = {each.name: each.annotation for each in parameters}
    return invoke


def _options(parameter: inspect.Parameter) -> list[inspect.Parameter]:
    """The options a parameter stands for: itself, or all of a bundle."""
    kind = parameter.annotation
    if kind not in BUNDLES:
        return [parameter]
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(each.name, KEYWORD, default=each.default, annotation=hints[each.name])
        for each in fields(kind)
    ]
