"""The chart, rendered: its objects, and what the processes of its pods are told."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.asking import DEPLOY

HELM = str(Path(sys.executable).with_name("helm"))
CHART = DEPLOY / "helm/onbeat"
VALUES = sorted((Path(__file__).parent / "values").glob("*.yaml"))

Object = dict[str, Any]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    return subprocess.run(
        [HELM, *arguments], capture_output=True, text=True, check=False, timeout=60
    )


@cache
def rendered(values: Path, *settings: str) -> list[Object]:
    """The objects that these values make."""
    sets = [each for setting in settings for each in ("--set", setting)]
    made = helm(
        "template", "rel", str(CHART), "--namespace", "jobs", "--kube-version", "1.37.0",
        "--values", str(values), *sets,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return [each for each in yaml.safe_load_all(made.stdout) if each]


def of_kind(objects: list[Object], *kinds: str) -> list[Object]:
    """Those of these kinds."""
    return [each for each in objects if each["kind"] in kinds]


def workloads(objects: list[Object]) -> list[Object]:
    """Whatever has pods that go on."""
    return of_kind(objects, "Deployment", "StatefulSet")


def pod_of(workload: Object) -> Object:
    """The pods of an object."""
    pod: Object = workload["spec"]["template"]["spec"]
    return pod


def main_of(workload: Object) -> Object:
    """The container that does the work."""
    [container] = pod_of(workload)["containers"]
    found: Object = container
    return found


def environment_of(objects: list[Object], workload: Object) -> dict[str, str]:
    """What a pod's process is told, with a password for secrets and a pod's name."""
    container = main_of(workload)
    told: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            told |= named(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    return told | {each["name"]: _value(each) for each in container["env"]}


def named(objects: list[Object], kind: str, name: str) -> Object:
    """The one object of that kind and name."""
    [found] = [each for each in of_kind(objects, kind) if each["metadata"]["name"] == name]
    return found


def _value(variable: Object) -> str:
    source = variable.get("valueFrom")
    if source is None:
        return str(variable["value"])
    if "fieldRef" in source:
        assert source["fieldRef"]["fieldPath"] == "metadata.name"
        return "rel-onbeat-7d9f-x2x4z"
    return "postgresql://shop:pw@db.internal/shop"
