"""What a manifest may say: command lines that ours takes, settings that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from typer.core import TyperCommand, TyperGroup

from onbeat.cli.root import root
from onbeat.settings import Settings, load_settings, unknown_variables

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def command_of(arguments: Sequence[str]) -> str:
    """Which command of ours these arguments ask for. Raises UsageError where none takes them."""
    command: TyperCommand | TyperGroup = root
    name, rest, context = "onbeat", list(arguments), None
    path: list[str] = []
    while True:
        context = command.make_context(name, rest, parent=context)
        if not isinstance(command, TyperGroup):
            return " ".join(path)
        left = [*context._protected_args, *context.args]
        found, command, rest = command.resolve_command(context, left)  # type: ignore[assignment]
        assert found is not None, f"{' '.join(arguments)!r} asks for no command"
        name = found
        path.append(name)


def settings_of(environment: Mapping[str, str]) -> Settings:
    """The settings that these variables make; each must be one, with a value it may have."""
    assert unknown_variables(environment) == []
    return load_settings(environment, DEPLOY / "no-such.toml")
