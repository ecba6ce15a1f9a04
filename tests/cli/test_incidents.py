"""`onbeat incidents`, `onbeat rules`, `onbeat silences`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from onbeat import Onbeat
from onbeat.cli.views.incidents import incident_lines
from onbeat.domain.default_rules import DEFAULTS
from onbeat.domain.incidents import Facts, Incident, Kind, LastError, Severity, State
from tests.cli.running import Cli
from tests.contract.troubles import Troubles

NOW = datetime(2027, 1, 4, 3, tzinfo=UTC)


def test_where_nothing_is_wrong_it_says_so(cli: Cli, database: str) -> None:
    assert "no incidents" in cli("incidents", "ls").err
    assert cli.refusal("incidents", "show", "0" * 32)[0] == 3


def test_a_rule_is_made_changed_tried_and_removed(cli: Cli, database: str) -> None:
    cli.text("rules", "add", "imports", "--condition", "slow", "--tasks", "import.*")
    changed = cli.answer("rules", "edit", "imports", "--longer-than", "10m", "--off")
    tried = cli.answer("rules", "try", "imports", "--since", "1h")
    cli.text("rules", "rm", "imports")

    assert (changed["limits"]["longer_than"], changed["enabled"]) == ("10m", False)
    assert tried["episodes"] == []
    assert cli.refusal("rules", "show", "imports")[0] == 3


def test_a_rule_of_which_nothing_is_changed_stays_as_it_came(cli: Cli, database: str) -> None:
    cli.text("rules", "edit", "stale", "--longer-than", "30m")
    assert "on, default" in cli.text("rules", "edit", "stale")
    assert cli.answer("audit", "ls")["audit"] == []


def test_a_share_of_a_rule_is_given_as_that_of_an_objective_is(cli: Cli, database: str) -> None:
    changed = cli.answer("rules", "edit", "failure-rate", "--share", "35%")
    assert changed["limits"]["share"] == 0.35
    assert cli.refusal("rules", "edit", "failure-rate", "--share", "much") == (
        2, "share: 'much' is no share; give it as 99.9% or 0.999",
    )  # fmt: skip


def test_what_is_odd_about_a_rule_is_shown(cli: Cli, database: str) -> None:
    assert "holds always" in cli.text("rules", "edit", "failure-rate", "--share", "0")


def test_the_doctor_shows_what_is_odd_about_rules_that_are_on(cli: Cli, database: str) -> None:
    well = _of_rules(cli)
    cli.text("rules", "edit", "late", "--longer-than", "1s")
    cli.text("rules", "edit", "failure-rate", "--share", "0", "--off")

    assert well == [f"{len(DEFAULTS)} rules, none odd"]
    assert _of_rules(cli) == [
        "late: longer_than is shorter than 5s, and it is looked no more often: it may hold where "
        "nothing is wrong; `onbeat rules edit late`"
    ]


def test_the_doctor_says_that_incidents_are_open_which_and_what_shows_them(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    cli.answer("jobs", "ls")
    none = _checks(cli, "incidents")
    one = asyncio.run(opened(database_url, "charge", severity=Severity.WARNING))
    single = _checks(cli, "incidents")
    asyncio.run(opened(database_url, "pay", "sync", severity=Severity.CRITICAL))
    asyncio.run(opened(database_url, "mail", severity=Severity.ERROR))

    assert none == ["none is open"]
    assert single == [
        f"1 incident not resolved: failed of charge (warning); `onbeat incidents show {one[0]}`"
    ]
    assert _checks(cli, "incidents") == [
        "4 incidents not resolved: failed of sync (critical), failed of pay (critical), "
        "failed of mail (error), …; `onbeat incidents ls`"
    ]


async def opened(url: str, *names: str, **said: object) -> list[str]:
    """Incidents are opened; their ids."""
    async with Onbeat(url) as ob:
        return await Troubles(await ob.store()).open(*names, **said)


def test_incidents_of_a_rule_that_there_is_not_are_refused(cli: Cli, database: str) -> None:
    code, told = cli.refusal("incidents", "ls", "--rule", "bogus")
    near = cli.refusal("incidents", "ls", "--all", "--rule", "staled")

    assert (code, "stale" in told, "no-workers" in told) == (2, True, True)
    assert near == (2, "rule: 'staled' is none of them; did you mean 'stale'?")
    assert cli("incidents", "ls", "--rule", "stale").code == 0


def test_a_second_rule_for_all_is_doubted_and_one_of_some_is_not(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    second = cli.text("rules", "add", "mine", "--condition", "failed")
    doubted = _of_rules(cli)
    some = cli.text("rules", "edit", "mine", "--tasks", "mail.*")

    assert "failed is of every task too" in second
    assert [each.partition(":")[0] for each in doubted] == ["failed", "mine"]
    assert "too" not in some


def test_an_objective_of_a_queue_that_nobody_knows_is_doubted(
    cli: Cli, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBEAT_DB", database_url)
    cli.answer("jobs", "enqueue", "one", "--queue", "billing")

    other = cli("objectives", "set", "queue/biling", "99%")
    known = cli("objectives", "set", "queue/billing", "99%")

    assert (other.code, known.code) == (0, 0)
    assert "nobody knows a queue 'biling' (is billing meant?)" in other.err
    assert "nobody knows" not in known.err


def _of_rules(cli: Cli) -> list[str]:
    return _checks(cli, "rules")


def _checks(cli: Cli, name: str) -> list[str]:
    told = json.loads(cli("doctor", "--json").out)
    return [each["message"] for each in told["checks"] if each["name"] == name]


def test_a_rule_whose_past_is_not_kept_says_so(cli: Cli, database: str) -> None:
    assert "not kept" in cli("rules", "try", "backlog").err


def test_what_is_no_id_is_refused_in_good_english(cli: Cli, database: str) -> None:
    assert "is not an incident id" in cli.refusal("incidents", "show", "charge")[1]


def test_the_end_of_a_silence_is_told_as_every_moment_is(cli: Cli, database: str) -> None:
    told = cli.text("silences", "add", "--for", "1h", "--reason", "a deploy", "--tasks", "mail")
    assert told.endswith("Z\n")


def test_a_silence_that_comes_again_says_when(cli: Cli, database: str) -> None:
    ends = (datetime.now(UTC) + timedelta(days=300)).isoformat(timespec="seconds")
    asked = ("--everything", "--reason", "backups", "--cron", "0 2 * * sun", "--tz", "Europe/Paris")
    made = cli.answer("silences", "add", *asked, "--for", "2h", "--ends", ends)

    assert made["windows"] == {"cron": "0 2 * * sun", "tz": "Europe/Paris", "for": "2h"}
    assert "0 2 * * sun Europe/Paris, for 2h each" in " ".join(cli.text("silences", "ls").split())
    assert cli.refusal("silences", "add", *asked, "--for", "2h")[1].startswith("ends_at: ")


def test_a_silence_of_a_rule_that_there_is_not_is_refused(cli: Cli, database: str) -> None:
    asked = ("silences", "add", "--for", "1h", "--reason", "a deploy", "--rules")
    assert "'stal' is none of them; did you mean 'stale'?" in cli.refusal(*asked, "stal")[1]
    assert cli.answer(*asked, "billing-*")["matcher"]["rules"] == ["billing-*"]


def test_a_silence_is_made_listed_and_ended(cli: Cli, database: str) -> None:
    asked = ("--for", "1h", "--reason", "a deploy", "--tasks", "report.*")
    made = cli.answer("silences", "add", *asked)["id"]
    assert [each["id"] for each in cli.answer("silences", "ls")["silences"]] == [made]
    cli.text("silences", "end", made)
    assert cli.answer("silences", "ls")["silences"] == []


def page(facts: Facts) -> list[str]:
    """What is shown of an incident that says this."""
    incident = Incident(
        id="0" * 32, rule="in-a-row", kind=Kind.TASK, subject="charge", name="charge",
        severity=Severity.ERROR, state=State.OPEN, opened_at=NOW, seen_at=NOW, seen=1,
        reopened=0, flapping=False, state_at=NOW, state_by="judge", facts=facts,
    )  # fmt: skip
    return list(incident_lines(incident, [], NOW))


def test_an_incident_names_its_rule_which_is_what_is_silenced_or_changed() -> None:
    assert "rule       in-a-row, of task charge" in page(Facts(what="it fails", since=NOW))


def test_of_what_fails_and_never_completed_that_is_said() -> None:
    failing = Facts(what="it fails", since=NOW, last_error=LastError(at=NOW, type="ValueError"))
    assert "last good  none on record" in page(failing)
