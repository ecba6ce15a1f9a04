"""`onbeat breakers`."""

from __future__ import annotations

from tests.cli.running import Cli


def test_no_breakers_say_how_one_comes_to_be(cli: Cli, database: str) -> None:
    result = cli("breakers", "ls")

    assert result.out == ""
    assert result.err.startswith("note: no breakers; code declares them")


def test_a_breaker_that_nobody_declared_is_not_found(cli: Cli, database: str) -> None:
    for verb in ("show", "open", "close"):
        result = cli("breakers", verb, "strip")
        assert result.code == 3
        assert "no breaker named 'strip'; `onbeat breakers ls` lists them" in result.err
