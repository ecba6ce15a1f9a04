"""The dashboard: Grafana can read it, and it asks for what is told."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from onbeat.telemetry.dashboard import COLUMNS, dashboard
from tests.telemetry.promtool import approve
from tests.telemetry.readings import names_in, names_told

MADE = json.loads(json.dumps(dashboard()))
PANELS = [each for each in MADE["panels"] if each["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]


def test_every_metric_it_asks_for_is_told_and_every_one_told_is_shown() -> None:
    asked = names_in(json.dumps(MADE))

    assert asked <= names_told()
    assert names_told() - asked == {
        "onbeat_queue_jobs_attempts_total", "onbeat_schedule_jobs_attempts_total",
        "onbeat_queue_failures_in_row", "onbeat_queue_last_success_timestamp_seconds",
        "onbeat_task_last_success_timestamp_seconds", "onbeat_queue_concurrency_limit",
    }  # fmt: skip


def test_it_is_in_the_form_that_grafanas_own_model_has() -> None:
    read: Any = Dashboard.from_json(MADE)
    back = json.loads(json.dumps(read, cls=JSONEncoder))

    assert contains(back, {name: value for name, value in MADE.items() if value is not None})


def contains(found: Any, wanted: Any) -> bool:
    """Whether all that was said came through the model unharmed."""
    match wanted:
        case dict():
            return all(name in found and contains(found[name], wanted[name]) for name in wanted)
        case list():
            return len(found) == len(wanted) and all(map(contains, found, wanted))
        case _:
            return bool(found == wanted)


def test_it_has_no_id_and_no_data_source_of_its_own() -> None:
    assert MADE["id"] is None
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
    variables = {each["name"]: each["type"] for each in MADE["templating"]["list"]}
    assert variables == {
        "datasource": "datasource", "job": "query", "queue": "query", "task": "query"
    }  # fmt: skip


def test_no_panel_lies_on_another_or_outside_of_the_grid() -> None:
    places = [each["gridPos"] for each in MADE["panels"]]

    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    assert not any(overlap(one, other) for one, other in combinations(places, 2))
    assert len({each["id"] for each in MADE["panels"]}) == len(places)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


def test_every_query_is_promql(tmp_path: Path) -> None:
    file = tmp_path / "queries.json"
    rules = [
        {"record": f"q{n}", "expr": query.replace("$__rate_interval", "1m")}
        for n, query in enumerate(QUERIES)
    ]
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))

    assert all(query.count("(") == query.count(")") for query in QUERIES)
    approve("check", "rules", "--lint=none", file)
