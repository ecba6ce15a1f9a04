"""Walls: a module, a function, a class that grew past them has become two things."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
MODULE_WALL = 450
FUNCTION_WALL = 45
METHODS_WALL = 20
TEST_FILE_WALL = 500
FROZEN = "migrations/versions"
"""Migrations hold whole schemas as they were; they are read once and never grow."""


def test_no_module_is_over_its_wall() -> None:
    over = [
        (path.relative_to(ROOT).as_posix(), lines)
        for path in SOURCES
        if FROZEN not in path.as_posix() and (lines := _lines(path)) > MODULE_WALL
    ]
    assert over == []


def test_no_function_is_over_its_wall() -> None:
    over = [
        (f"{path.relative_to(ROOT)}:{function.lineno} {function.name}", length)
        for path in SOURCES
        for function in _functions(path)
        if (length := _body_lines(function)) > FUNCTION_WALL
    ]
    assert over == []


def test_no_class_has_too_many_public_methods() -> None:
    over = [
        (f"{path.relative_to(ROOT)} {node.name}", len(methods))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and len(methods := _public_methods(node)) > METHODS_WALL
    ]
    assert over == []


def test_no_test_file_is_over_its_wall() -> None:
    over = [
        (path.relative_to(ROOT).as_posix(), lines)
        for path in TESTS
        if (lines := _lines(path)) > TEST_FILE_WALL
    ]
    assert over == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT / "src").as_posix())
def test_a_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT / "src").as_posix())
def test_what_is_public_says_what_it_does(path: Path) -> None:
    silent = [
        f"{node.name}:{node.lineno}"
        for node in _public_nodes(ast.parse(path.read_text()))
        if not ast.get_docstring(node)
    ]
    assert silent == []


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def _body_lines(function: Function) -> int:
    body = function.body
    if ast.get_docstring(function) is not None and len(body) > 1:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def _public_methods(node: ast.ClassDef) -> list[str]:
    return [
        child.name
        for child in node.body
        if isinstance(child, Function) and not child.name.startswith("_")
    ]


def _public_nodes(node: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    for child in node.body:
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield child
            yield from _public_nodes(child)
        elif isinstance(child, Function) and not (
            child.name.startswith("_") or _is_overload(child)
        ):
            yield child


def _is_overload(function: Function) -> bool:
    return any(
        isinstance(each, ast.Name) and each.id == "overload" for each in function.decorator_list
    )
