"""Rules of alerts: they ask for what is told, and fire when they say so."""

from __future__ import annotations

import re
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
import yaml

from onbeat.telemetry.alert_rules import alert_rules, rules_document, rules_yaml
from tests.telemetry.promtool import approve
from tests.telemetry.readings import names_in, names_told

RULES = alert_rules()


def test_every_metric_they_ask_for_is_told() -> None:
    asked = {name for rule in RULES for name in names_in(" ".join(astuple(rule)))}

    assert asked <= names_told()
    assert len(asked) > 8


def test_the_file_says_the_same_as_yaml_and_as_json(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text("\n".join(rules_yaml(RULES)))

    assert yaml.safe_load(file.read_text()) == rules_document(RULES)
    approve("check", "rules", file)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_has_a_name_a_severity_and_says_what_to_do(rule: Any) -> None:
    assert re.fullmatch(r"Onbeat[A-Za-z]+", rule.name)
    assert rule.severity in ("critical", "warning")
    assert re.fullmatch(r"\d+m", rule.lasting)
    assert rule.expr.count("(") == rule.expr.count(")")
    assert rule.summary
    assert rule.description.endswith(".")


def test_no_two_rules_have_one_name() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


JOBS = 'onbeat_jobs_finished_total{job="shop",instance="%s",task="send",outcome="%s"}'
LIVES = {
    'onbeat_build_info{job="shop"}': "1x120",
    'onbeat_services{job="shop",service="scheduler",status="running"}': "1x120",
}
"""What is told of a fleet that is well."""

FIRES: dict[str, tuple[dict[str, str], str]] = {
    "OnbeatGivesNoFigures": ({'onbeat_build_info{job="shop"}': "1x5 stale"}, ""),
    "OnbeatNoWatcher": (LIVES | {'onbeat_folded_to_timestamp_seconds{job="shop"}': "1x120"}, ""),
    "OnbeatServiceFails": (
        LIVES | {'onbeat_services{job="shop",service="watcher",status="error"}': "1x120"},
        "service: watcher",
    ),
    "OnbeatDependencyDown": (
        LIVES | {'onbeat_dependency_up{job="shop",instance="a",dependency="redis"}': "0x120"},
        "dependency: redis",
    ),
    "OnbeatNoScheduler": (
        {
            'onbeat_build_info{job="shop"}': "1x120",
            'onbeat_services{job="shop",service="scheduler",status="paused"}': "1x120",
        },
        "",
    ),
    "OnbeatScheduleOverdue": (
        LIVES | {'onbeat_schedule_overdue_seconds{job="shop"}': "61x120"}, ""
    ),
    "OnbeatSchedulesLate": (
        LIVES | {
            'onbeat_schedule_lateness_seconds_bucket{job="shop",le="60.0"}': "0+97x120",
            'onbeat_schedule_lateness_seconds_bucket{job="shop",le="300.0"}': "0+100x120",
            'onbeat_schedule_lateness_seconds_bucket{job="shop",le="+Inf"}': "0+100x120",
        },
        "",
    ),
    "OnbeatCycleNearLimit": (
        LIVES | {'onbeat_scheduler_cycle_seconds{job="shop",scheduler="a"}': "0.9x120"},
        "scheduler: a",
    ),
    "OnbeatQueueOld": (
        LIVES | {
            'onbeat_queue_oldest_due_age_seconds{job="shop",queue="mail"}': "301x120",
            'onbeat_queue_paused{job="shop",queue="mail"}': "0x120",
        },
        "queue: mail",
    ),
    "OnbeatQueueWithoutWorkers": (
        LIVES | {
            'onbeat_queue_jobs{job="shop",queue="mail",state="pending"}': "3x120",
            'onbeat_workers{job="shop",queue="mail",draining="true"}': "1x120",
        },
        "queue: mail",
    ),
    "OnbeatFailureRate": (
        LIVES
        | {JOBS % ("a", "failed"): "0+1x120", JOBS % ("b", "failed"): "0+1x120"}
        | {JOBS % ("a", "completed"): "0+3x120", JOBS % ("b", "completed"): "0+3x120"},
        "task: send",
    ),
    "OnbeatTaskFailsInRow": (
        LIVES | {'onbeat_task_failures_in_row{job="shop",task="send"}': "3x120"}, "task: send"
    ),
    "OnbeatScheduleFailsInRow": (
        LIVES | {'onbeat_schedule_failures_in_row{job="shop",schedule="nightly"}': "3x120"},
        "schedule: nightly",
    ),
    "OnbeatDeadLettersGrow": (
        LIVES | {
            'onbeat_queue_jobs_finished_total{job="shop",queue="mail",outcome="failed"}': "0+1x120"
        },
        "queue: mail",
    ),
}  # fmt: skip
"""By rule, what is told each minute for two hours, and the labels it then fires with."""

SILENT: dict[str, dict[str, str]] = {
    "OnbeatQueueOld": {
        'onbeat_queue_oldest_due_age_seconds{job="shop",queue="mail"}': "301x120",
        'onbeat_queue_paused{job="shop",queue="mail"}': "1x120",
    },
    "OnbeatQueueWithoutWorkers": {
        'onbeat_queue_jobs{job="shop",queue="mail",state="pending"}': "3x120",
        'onbeat_workers{job="shop",queue="mail",draining="false"}': "1x120",
    },
    "OnbeatFailureRate": {JOBS % ("a", "failed"): "1x50 4x70"},
    "OnbeatNoScheduler": {},
    "OnbeatDependencyDown": {
        'onbeat_dependency_up{job="shop",instance="a",dependency="redis"}': "0x80 1x40"
    },
}
"""By rule, what does not make it fire."""


def test_every_rule_is_tried() -> None:
    assert set(FIRES) == {rule.name for rule in RULES}


def test_each_rule_fires_alone_on_what_it_is_for_and_not_on_what_is_well(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text("\n".join(rules_yaml(RULES)))
    silent = [_tried(LIVES | series, {name: None}) for name, series in SILENT.items()]
    tests = [_tried(series, {name: labels}) for name, (series, labels) in FIRES.items()]
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [*tests, *silent]}))

    approve("test", "rules", file)


def _tried(series: dict[str, str], fires: dict[str, str | None]) -> dict[str, Any]:
    """A case of promtool's: after 90 minutes of the series these rules fire, and no other."""
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": each} for name, each in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": "90m",
                "exp_samples": [
                    {"labels": f'{{alertname="{name}"}}', "value": 1}
                    for name, labels in fires.items()
                    if labels is not None
                ],
            },
            *(
                {
                    "expr": f'count(ALERTS{{alertname="{name}",{_matching(labels)}}})',
                    "eval_time": "90m",
                    "exp_samples": [{"labels": "{}", "value": 1}],
                }
                for name, labels in fires.items()
                if labels
            ),
        ],
    }


def _matching(labels: str) -> str:
    name, _, value = labels.partition(": ")
    return f'{name}="{value}"'
