"""`onbeat incidents`, `onbeat rules`, `onbeat silences`."""

from __future__ import annotations

from tests.cli.running import Cli


def test_where_nothing_is_wrong_it_says_so(cli: Cli, database: str) -> None:
    assert "no incidents" in cli("incidents", "ls").err
    assert cli.refusal("incidents", "show", "0" * 32)[0] == 3


def test_a_rule_is_made_changed_tried_and_removed(cli: Cli, database: str) -> None:
    cli.text("rules", "add", "imports", "--condition", "slow", "--tasks", "import.*")
    changed = cli.answer("rules", "change", "imports", "--longer-than", "10m", "--off")
    tried = cli.answer("rules", "try", "imports", "--since", "1h")
    cli.text("rules", "rm", "imports")

    assert (changed["limits"]["longer_than"], changed["enabled"]) == ("10m", False)
    assert tried["episodes"] == []
    assert cli.refusal("rules", "show", "imports")[0] == 3


def test_what_is_odd_about_a_rule_is_shown(cli: Cli, database: str) -> None:
    assert "holds always" in cli.text("rules", "change", "failure-rate", "--share", "0")


def test_a_rule_whose_past_is_not_kept_says_so(cli: Cli, database: str) -> None:
    assert "not kept" in cli("rules", "try", "backlog").err


def test_a_silence_is_made_listed_and_ended(cli: Cli, database: str) -> None:
    asked = ("--for", "1h", "--reason", "a deploy", "--tasks", "report.*")
    made = cli.answer("silences", "add", *asked)["id"]
    assert [each["id"] for each in cli.answer("silences", "ls")["silences"]] == [made]
    cli.text("silences", "end", made)
    assert cli.answer("silences", "ls")["silences"] == []
