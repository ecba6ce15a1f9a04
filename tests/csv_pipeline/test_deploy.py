"""The example's files for containers: what they say is sound, and starts what there is.

There is neither a container engine nor a cluster where tests run.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import PyCompose
from examples.csv_pipeline.fleet import SERVICES
from examples.csv_pipeline.options import read_options

from tests.deploy.asking import command_of
from tests.deploy.charts import environment_of, main_of, named, rendered, workloads

DEPLOY = Path(__file__).parents[2] / "examples/csv_pipeline/deploy"
COMPOSED: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())[
    "services"
]
OURS = {name: each for name, each in COMPOSED.items() if each["image"] == "csv-pipeline"}
VALUES = DEPLOY / "values.yaml"
SCALERS = list(yaml.safe_load_all((DEPLOY / "autoscaling.yaml").read_text()))
VERSIONS = ("1.30", "1.37")


def started(arguments: list[str]) -> set[str]:
    """The services that a command line runs."""
    named_there = {each.removeprefix("--scheduler=") for each in arguments}
    return named_there & set(SERVICES) if command_of(arguments) == "run" else set()


def test_hadolint_finds_nothing_wrong_with_the_dockerfile() -> None:
    program = Path(sys.executable).with_name("hadolint")

    found = subprocess.run(
        [str(program), "--ignore", "DL3006", str(DEPLOY / "Dockerfile")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (found.returncode, found.stdout) == (0, "")


def test_the_compose_file_is_one_and_runs_each_service() -> None:
    PyCompose.from_json(json.dumps(yaml.safe_load((DEPLOY / "compose.yaml").read_text())))

    runs = [started(each["command"]) for each in OURS.values()]
    assert set().union(*runs) == set(SERVICES)
    assert COMPOSED["csv-import"]["deploy"]["replicas"] == 3
    for name in ("csv-import", "session-processing"):
        assert {"limits", "reservations"} <= set(COMPOSED[name]["deploy"]["resources"])


@pytest.mark.parametrize("name", OURS)
def test_what_a_container_is_told_the_application_reads(name: str, tmp_path: Path) -> None:
    environment = {
        variable: re.sub(r"\$\{.*?\}", "pw", text)
        for variable, text in OURS[name]["environment"].items()
    }
    command_of(OURS[name]["command"])

    assert (read_options(environment).batch_size, read_options(environment).region) == (10, None)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_as_kubernetes_has_it(version: str) -> None:
    for each in [*rendered(VALUES), *SCALERS]:
        if each["kind"] != "ServiceMonitor":
            kubernetes_validate.validate(each, version, strict=True)


def test_each_service_has_pods_and_importers_are_those_of_a_region() -> None:
    objects = rendered(VALUES)
    runs = {each["metadata"]["name"]: started(main_of(each)["args"]) for each in workloads(objects)}

    assert set().union(*runs.values()) == set(SERVICES)
    importers = [name for name, services in runs.items() if "csv-import" in services]
    regions = {
        read_options(environment_of(objects, named(objects, "Deployment", name))).region
        for name in importers
    }
    assert regions == {"us", "eu"}


def test_a_pod_is_the_instance_of_its_name_and_schedulers_leave_services_alone() -> None:
    objects = rendered(VALUES)

    for each in workloads(objects):
        told = environment_of(objects, each)
        assert read_options(told).instance == "rel-onbeat-7d9f-x2x4z"
        for service in SERVICES:
            variable = service.upper().replace("-", "_")
            assert told[f"ONBEAT_{variable}_ENABLED"] == "false"


def test_an_autoscaler_scales_what_there_is_and_knows_what_it_asks_for() -> None:
    deployments = {each["metadata"]["name"]: each for each in workloads(rendered(VALUES))}

    for each in SCALERS:
        target = each["spec"]["scaleTargetRef"]["name"].replace("pipeline-", "rel-", 1)
        assert main_of(deployments[target])["resources"]["requests"]["cpu"]
