"""What every command has: help with an example, `--json`, `--db`."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from onbeat.cli.inputs import moment
from onbeat.cli.root import ENTRIES, PURPOSES
from tests.cli.running import Cli, spoken


def _commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for entry in ENTRIES.values():
        loaded: Any = entry.load()
        names = getattr(loaded, "commands", None)
        found += [(entry.name,)] if names is None else [(entry.name, name) for name in names]
    return found


COMMANDS = _commands()
every_command = pytest.mark.parametrize("command", COMMANDS, ids=spoken)


@every_command
def test_help_has_a_sentence_and_an_example_of_the_command(
    cli: Cli, command: tuple[str, ...]
) -> None:
    text = cli.text(*command, "--help")

    assert re.search(r"^  [A-Z].*[.,]", text, re.MULTILINE)
    assert re.search(rf"^  Examples?:\n    onbeat {' '.join(command)}\b", text, re.MULTILINE)


@every_command
def test_every_command_takes_json_and_db(cli: Cli, command: tuple[str, ...]) -> None:
    text = cli.text(*command, "--help")

    assert "--json " in text
    assert "--db URL" in text


@every_command
def test_moments_in_examples_are_such_as_are_taken(cli: Cli, command: tuple[str, ...]) -> None:
    examples = re.findall(r"--(?:from|to|at|until) (\d\S+)", cli.text(*command, "--help"))

    assert all(moment("from", example) for example in examples)


@every_command
def test_help_fits_80_columns(cli: Cli, command: tuple[str, ...]) -> None:
    assert max(len(line) for line in cli.text(*command, "--help").splitlines()) <= 80


def test_without_a_command_help_is_grouped_by_purpose(cli: Cli) -> None:
    text = cli.text()

    assert [line for line in text.splitlines() if line.rstrip(":") in PURPOSES] == [
        "Run:",
        "Look and act:",
        "Set up and check:",
    ]
    assert all(f"  {name} " in text for name in ENTRIES)


def test_a_noun_without_a_command_shows_its_help(cli: Cli) -> None:
    assert "enqueue" in cli.text("jobs")


def test_the_version_is_told(cli: Cli) -> None:
    assert re.fullmatch(r"onbeat \d+\.\d+\.\d+\n", cli.text("--version"))


def test_a_typing_error_is_one_line_with_what_was_meant(cli: Cli) -> None:
    code, message = cli.refusal("jbos")

    assert code == 2
    assert "Did you mean 'jobs'?" in message


def test_python_m_onbeat_is_the_same_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "onbeat", "--help"], capture_output=True, text=True, check=True
    )

    assert shown.stdout.startswith("Usage: onbeat ")


def test_help_imports_no_command() -> None:
    program = (
        "import sys; from onbeat.cli.main import run; run(['--help']); "
        "print([name for name in sys.modules if name.startswith('onbeat.cli.commands')])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert shown.stdout.splitlines()[-1] == "[]"
