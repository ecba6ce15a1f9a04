"""`onbeat retention`."""

from __future__ import annotations

from tests.cli.running import Cli


def test_what_is_kept_is_set_listed_and_taken_away(cli: Cli, database: str) -> None:
    cli.answer("retention", "set", "task/send", "--completed", "100", "--failed", "50,30d")

    [rule] = cli.answer("retention", "ls")["retention"]
    assert (rule["subject"], rule["completed"], rule["failed"]) == ("task/send", "100", "50,30d")
    assert rule["by_hand"] is True
    assert "@" in rule["changed_by"]
    assert "50,30d" in cli.text("retention", "ls")

    assert cli.answer("retention", "rm", "task/send") == {"removed": "task/send"}
    assert "no retention of its own" in cli("retention", "ls").err


def test_what_cannot_be_kept_is_refused_and_nothing_is_set(cli: Cli, database: str) -> None:
    for arguments, told in (
        (("task/send",), "keep: it bounds nothing"),
        (("send", "--completed", "1"), "subject: 'send' is not known"),
        (("task/send", "--completed", "-1"), "completed: -1 is out of range; give 0 to 1,000,000"),
        (("task/send", "--completed", "1.5"), "completed: '1.5' is neither a number of jobs"),
        (("task/send", "--failed", "100,many"), "failed: 'many' is neither a number of jobs"),
        (("task/send", "--failed", ""), "failed: '' is neither a number of jobs"),
        (("task/send", "--failed", "1s"), "failed: '1s' is too short"),
    ):
        result = cli("retention", "set", *arguments)
        assert result.code != 0
        assert told in result.err
    assert cli.answer("retention", "ls")["retention"] == []
