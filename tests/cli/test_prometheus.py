"""Prometheus itself asks `onbeat up`, and answers the rules and the dashboard of Onbeat with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from onbeat.telemetry.alert_rules import alert_rules
from tests.cli.running import Cli, start
from tests.servers.postgres import free_port
from tests.servers.prometheus import watching
from tests.servers.redis import launch
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

VALUES = {"$__rate_interval": "20s", "$job": "shop", "$queue": ".*", "$task": ".*"}
"""What Grafana puts in the place of each variable of the dashboard."""

TO_LOOPBACK = {
    "SECRET_KEY": "a key of a test that has 32 characters or more",
    "OUTBOUND_ALLOW": "127.0.0.0/8", "OUTBOUND_HTTP": "true",
}  # fmt: skip
UNTIL_COUNTED = 60
"""Seconds: ends are counted some 20 s after, and a rate takes two of them."""


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


def test_prometheus_answers_every_query_of_the_dashboard(
    cli: Cli, app: str, database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TO_LOOPBACK.items():
        monkeypatch.setenv(f"ONBEAT_{name}", value)
    cli.answer("telemetry", "dashboard", "-o", "onbeat.json")
    cli.answer("telemetry", "alerts", "-o", "rules.yml")
    queries = dict(_queries(json.loads((folder / "onbeat.json").read_text())))

    with _busy(cli, app) as target, watching(target, folder / "rules.yml", folder) as prometheus:
        wait_until(lambda: all(map(prometheus.answer, queries.values())), UNTIL_COUNTED)

    assert len(queries) > 30


@contextmanager
def _busy(cli: Cli, app: str) -> Iterator[str]:
    """A fleet of which there is something to tell everywhere; where it is asked (host:port)."""
    nobody = f"http://127.0.0.1:{free_port()}/"
    cli.answer("channels", "add", "hook", "webhook", "--url", nobody)
    said = {"API": "true", "PORT": "0", "DEADMAN_URL": nobody, "DEADMAN_PERIOD": "1s"}
    with launch() as redis, _listening(app, redis.url), start(
        "up", "--app", app, "--json", "--queues", "default,billing", ONBEAT_REDIS_URL=redis.url,
        **{f"ONBEAT_{name}": value for name, value in said.items()},
    ) as process:  # fmt: skip
        api = process.ready()["api"]
        cli.answer("schedules", "trigger", "hourly-report")
        for task, args in {"fails": {"message": "no"}, "charge": {"order_id": 1}}.items():
            cli.answer("jobs", "enqueue", task, "--app", app, "--args", json.dumps(args))
        yield urlsplit(api).netloc


@contextmanager
def _listening(app: str, url: str) -> Iterator[None]:
    """Have the application listen to a Redis."""
    module = Path(app.partition(":")[0] + ".py")
    source = f'RedisPubSub(name="orders", url="{url}")'
    module.write_text(
        f"{module.read_text()}\n\nfrom onbeat.sources import RedisPubSub, Trigger\n\n"
        f'ob.source({source}).on("orders", Trigger("hourly-report"))\n'
    )
    yield


def _queries(dashboard: Any) -> Iterator[tuple[str, str]]:
    """Each query of it by where it stands, as Grafana asks it; of a variable, its values."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield f"{panel['id']} {panel['title']} {target['refId']}", _filled(target["expr"])
    for each in dashboard["templating"]["list"]:
        if each["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", each["query"])
            assert found is not None
            series, label = found.groups()
            yield each["name"], _filled(f"count by ({label}) ({series}) and on ({label}) {series}")


def _filled(query: str) -> str:
    for variable, value in VALUES.items():
        query = query.replace(variable, value)
    return query
