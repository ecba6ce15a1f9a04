"""Rules of the house that a linter does not know."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import onbeat

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
BANNED_NAMES = {"utils", "helpers", "common", "misc", "base", "data", "info"}

NAMED_BY_DJANGO = (ROOT / "src/onbeat/integrations/django/sqlite/base.py").as_posix()
"""Django looks for the module `base` in the package that its setting ENGINE names."""


def test_every_public_name_is_there_and_in_order() -> None:
    assert onbeat.__all__ == sorted(onbeat.__all__)
    assert all(hasattr(onbeat, name) for name in onbeat.__all__)


def test_types_and_names_come_from_the_same_places() -> None:
    """What a type checker reads is what is found when the program runs."""
    tree = ast.parse((ROOT / "src/onbeat/__init__.py").read_text())
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    homes = {
        alias.name: node.module
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(homes) == set(onbeat.__all__)
    assert homes == onbeat._HOMES | {"events": "onbeat.domain"}


def test_a_name_that_is_not_there_is_told() -> None:
    wrong = "chron"
    with pytest.raises(AttributeError, match="no attribute 'chron'"):
        getattr(onbeat, wrong)


def test_no_module_is_named_after_nothing() -> None:
    ours = [path for path in SOURCES if path.as_posix() != NAMED_BY_DJANGO]
    named = {path.stem for path in ours} | {path.parent.name for path in ours}
    assert named & BANNED_NAMES == set()


def test_no_test_sleeps() -> None:
    sleeping = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _is_sleep(node)
    ]
    assert sleeping == []


def test_no_test_patches_what_it_can_run() -> None:
    patching = [
        path.relative_to(ROOT).as_posix()
        for path in TESTS
        if path != Path(__file__)
        and re.search(r"mock\.patch|MagicMock|monkeypatch\.setattr", path.read_text())
    ]
    assert patching == []


def test_no_moment_is_made_without_a_zone() -> None:
    naive = [
        f"{path.relative_to(ROOT)}"
        for path in SOURCES
        if re.search(r"utcnow\(|datetime\.now\(\)|fromtimestamp\([^,]*\)$", path.read_text())
    ]
    assert naive == []


def test_no_time_limit_is_one_that_fails_in_a_cancelled_task() -> None:
    """`within` is sound on every Python there is; asyncio's own is not before 3.11.3."""
    callers = [path for path in SOURCES if "asyncio.timeout(" in path.read_text()]

    assert [path.name for path in callers] == ["timing.py"]


def test_nothing_is_pickled() -> None:
    pickling = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        if re.search(r"^\s*(import|from) (pickle|marshal|shelve|dill)", path.read_text(), re.M)
    ]
    assert pickling == []


@pytest.mark.parametrize("lock", ["constraints.txt", "ui/package-lock.json"])
def test_no_registry_is_named_in_what_is_locked(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text(), "run `make lock`"


def test_no_registry_is_named_in_what_is_made_of_the_description() -> None:
    made = sorted((ROOT / "ui/src/client").rglob("*.ts"))
    assert made
    assert [path.name for path in made if re.search(r"npmjs|registry\.", path.read_text())] == []


def test_every_lock_line_is_one_exact_version() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.\-]+==[\w.!+]+", line)] == []


def _is_sleep(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "sleep" and not (
        call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
    )
