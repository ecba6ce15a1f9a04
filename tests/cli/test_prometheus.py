"""Prometheus itself asks `onbeat up`, and holds the rules that Onbeat writes against it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from onbeat.telemetry.alert_rules import alert_rules
from tests.cli.running import Cli, start
from tests.servers.prometheus import watching
from tests.telemetry.promtool import approve
from tests.waiting import wait_until

STRANDED = "OnbeatQueueWithoutWorkers"
"""The alert that what the test does is for; it must last to fire, and is pending until then."""

TOLD = {
    'onbeat_queue_jobs{job="shop",queue="default",state="pending"}': 3,
    'onbeat_worker_slots{job="shop",kind="total"}': 2,
}
PATIENCE = 30
"""Seconds: figures are as old as 5 s."""


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either engine, which commands find by themselves."""
    monkeypatch.setenv("ONBEAT_DB", database_url)
    return database_url


def test_prometheus_has_the_fleet_s_figures_and_the_rules_hold_as_they_say(
    cli: Cli, app: str, database: str, folder: Path
) -> None:
    for _ in range(3):
        cli.answer("jobs", "enqueue", "fails", "--app", app, "--args", '{"message": "no"}')
    cli.answer("telemetry", "alerts", "-o", "rules.yml")
    serving = ("--queues", "billing", "--concurrency", "2")
    with start(
        "up", "--app", app, "--json", *serving, ONBEAT_API="true", ONBEAT_PORT="0"
    ) as process:
        target = urlsplit(process.ready()["api"]).netloc
        with watching(target, folder / "rules.yml", folder) as prometheus:
            wait_until(lambda: {query: prometheus.value(query) for query in TOLD} == TOLD, PATIENCE)
            wait_until(lambda: _states(prometheus.rules())[STRANDED] == "pending", PATIENCE)
            wait_until(lambda: all(each["health"] != "unknown" for each in prometheus.rules()))
            rules = prometheus.rules()
            figures = urlopen(f"http://{target}/metrics", timeout=5).read().decode()

    assert [each["name"] for each in rules] == [each.name for each in alert_rules()]
    assert {(each["health"], each.get("lastError", "")) for each in rules} == {("ok", "")}
    assert {name for name, state in _states(rules).items() if state != "inactive"} == {STRANDED}
    approve("check", "metrics", given=figures)


def _states(rules: list[dict[str, str]]) -> dict[str, str]:
    return {each["name"]: each["state"] for each in rules}
