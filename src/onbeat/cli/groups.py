"""A group of commands as the parser sees it; it knows no command and imports nothing of Onbeat."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class HelpfulGroup(TyperGroup):
    """A group that, asked for nothing, shows its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what the group itself is given."""
        return super().parse_args(ctx, args or ["--help"])
