"""The options that say what a rule is to be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from onbeat.cli import inputs
from onbeat.domain.objectives import read_share

Patterns = Annotated[str | None, typer.Option(metavar="A,B", help="Of which: patterns, as mail.*.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """What may be said of a rule. A command with a parameter of this type takes them all."""

    severity: Annotated[
        str | None, typer.Option(metavar="WORD", help="info, warning, error or critical.")
    ] = None
    times: Annotated[int | None, typer.Option(metavar="N", min=1, help="So many.")] = None
    share: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Such a share: 20% or 0.2.")
    ] = None
    least: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Of fewer runs nothing is said.")
    ] = None
    window: Annotated[
        str | None, typer.Option(metavar="TIME", help="How far back is looked, as 1h.")
    ] = None
    longer_than: Annotated[
        str | None, typer.Option(metavar="TIME", help="For so long, as 30m.")
    ] = None
    lasts: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="For how long the condition must hold."),
    ] = None
    open_after: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=100, help="Looks in a row, 15 s each.")
    ] = None
    close_after: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=100, help="Good looks in a row.")
    ] = None
    tasks: Patterns = None
    queues: Patterns = None
    schedules: Patterns = None
    tags: Annotated[
        str | None, typer.Option(metavar="A,B", help="Of tasks or schedules with such tags.")
    ] = None
    enabled: Annotated[
        bool | None, typer.Option("--on/--off", help="Whether it is held against what is.")
    ] = None

    def asked(self) -> dict[str, Any]:
        """What is given."""
        said: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        patterns = ("tasks", "queues", "schedules", "tags")
        return {
            **said, "for": self.lasts,
            "share": None if self.share is None else read_share(self.share, "share"),
            **{name: inputs.names(name, said[name]) for name in patterns},
        }  # fmt: skip
