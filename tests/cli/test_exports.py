"""`onbeat jobs export` and `onbeat audit export`."""

from __future__ import annotations

import csv
import io
import json

from tests.cli.running import Cli


def test_jobs_are_written_as_csv_or_json_by_the_filters_of_the_list(
    cli: Cli, database: str
) -> None:
    for task in ("charge", "charge", "refund"):
        cli.text("jobs", "enqueue", task, "--args", '{"n": 1}')

    as_csv = list(csv.DictReader(io.StringIO(cli.text("jobs", "export", "--task", "charge"))))
    as_json = cli.text("jobs", "export", "--task", "charge", "--format", "ndjson").splitlines()

    assert [row["task"] for row in as_csv] == ["charge", "charge"]
    assert [json.loads(line) for line in as_json] == cli.answer("jobs", "ls", "--task", "charge")[
        "jobs"
    ]


def test_json_is_asked_for_as_of_every_command(cli: Cli, database: str) -> None:
    cli.text("jobs", "enqueue", "charge")

    assert cli.answer("jobs", "export")["task"] == "charge"


def test_the_audit_log_is_written(cli: Cli, database: str) -> None:
    cli.text("clocks", "create", "test", "--at", "2030-01-01T00:00:00Z")

    [row] = csv.DictReader(io.StringIO(cli.text("audit", "export", "--action", "clock.create")))

    assert (row["subject"], json.loads(row["after"])["name"]) == ("test", "test")


def test_a_format_that_is_none_is_refused(cli: Cli, database: str) -> None:
    assert cli("jobs", "export", "--format", "xml").code == 2
