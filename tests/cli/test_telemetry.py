"""`onbeat telemetry`: files for Grafana and Prometheus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from onbeat.telemetry.alert_rules import alert_rules, rules_document
from onbeat.telemetry.dashboard import dashboard
from tests.cli.running import Cli

WRITTEN = {"alerts": rules_document(alert_rules()), "dashboard": dashboard()}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_is_written_is_read_back_from_stdout_from_a_file_and_as_json(
    cli: Cli, tmp_path: Path, what: str
) -> None:
    file = tmp_path / "written"

    assert yaml.safe_load(cli.text("telemetry", what)) == WRITTEN[what]
    assert cli.answer("telemetry", what) == WRITTEN[what]
    assert cli.answer("telemetry", what, "-o", str(file)) == {"written": str(file)}
    assert yaml.safe_load(file.read_text()) == WRITTEN[what]


def test_the_dashboard_is_json_also_for_people(cli: Cli) -> None:
    assert json.loads(cli.text("telemetry", "dashboard"))["uid"] == "onbeat"


def test_a_file_that_cannot_be_written_is_named(cli: Cli) -> None:
    code, message = cli.refusal("telemetry", "alerts", "-o", "/nowhere/rules.yml")

    assert code == 2
    assert message == "output: /nowhere/rules.yml: No such file or directory; give another file"
