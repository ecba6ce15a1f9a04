"""`onbeat telemetry`: files for what watches a fleet from outside, made of the same definitions as
`/metrics`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from onbeat.cli.command import command, noun
from onbeat.cli.invocation import Invocation
from onbeat.domain.errors import InvalidInput
from onbeat.telemetry.alert_rules import alert_rules, rules_document, rules_yaml
from onbeat.telemetry.dashboard import dashboard as made_dashboard

telemetry = noun("Write a dashboard for Grafana, and rules of alerts for Prometheus.")

File = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to write it, instead of here."),
]


@command(
    telemetry,
    "dashboard",
    "onbeat telemetry dashboard",
    "onbeat telemetry dashboard -o /var/lib/grafana/dashboards/onbeat.json",
)
def dashboard(asked: Invocation, *, output: File = None) -> None:
    """Write a dashboard as Grafana imports it: queues, tasks, schedules, workers, schedulers.

    Its queries name the metrics that /metrics of this version tells.
    """
    made = made_dashboard()
    lines = msgspec.json.format(msgspec.json.encode(made), indent=2).decode().splitlines()
    _give(asked, output, lines, made)


@command(
    telemetry,
    "alerts",
    "onbeat telemetry alerts",
    "onbeat telemetry alerts -o /etc/prometheus/onbeat-rules.yml",
)
def alerts(asked: Invocation, *, output: File = None) -> None:
    """Write rules of alerts as Prometheus reads them from `rule_files`.

    They tell of queues that wait or have no workers, of missing schedulers, of jobs that fail, of
    dead letters, of cycles near their limit, and of a database that is not reached.
    """
    rules = alert_rules()
    _give(asked, output, rules_yaml(rules), rules_document(rules))


def _give(asked: Invocation, output: Path | None, lines: Iterable[str], answer: object) -> None:
    """Write it where it was asked for; to programs as JSON on one line."""
    if output is None:
        asked.out.show(answer, lambda: lines)
        return
    try:
        output.write_text("".join(f"{line}\n" for line in lines))
    except OSError as error:
        raise InvalidInput("output", f"{output}: {error.strerror}; give another file") from None
    asked.out.show({"written": str(output)}, lambda: [f"written: {output}"])
