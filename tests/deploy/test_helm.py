"""The chart for Kubernetes: what it renders is sound, and wrong values are refused by name."""

from __future__ import annotations

from pathlib import Path

import kubernetes_validate
import pytest

from tests.deploy.asking import command_of, settings_of
from tests.deploy.charts import (
    CHART,
    VALUES,
    Object,
    environment_of,
    helm,
    main_of,
    named,
    of_kind,
    pod_of,
    rendered,
    workloads,
)

OTHERS = {"ScaledObject", "TriggerAuthentication", "ServiceMonitor"}
"""Kinds that are not Kubernetes' own, and so have no schema here."""

VERSIONS = ("1.30", "1.37")

all_values = pytest.mark.parametrize("values", VALUES, ids=lambda values: values.stem)


def everything() -> list[Object]:
    return rendered(next(each for each in VALUES if each.stem == "everything"))


@all_values
def test_helm_s_own_check_finds_nothing(values: Path) -> None:
    linted = helm("lint", "--strict", str(CHART), "--values", str(values))

    assert linted.returncode == 0, linted.stdout


@all_values
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_as_kubernetes_has_it(values: Path, version: str) -> None:
    for each in rendered(values):
        if each["kind"] not in OTHERS:
            kubernetes_validate.validate(each, version, strict=True)


def test_an_object_that_is_wrong_is_seen() -> None:
    wrong = {**everything()[0], "sepc": {}}

    with pytest.raises(kubernetes_validate.ValidationError, match="sepc"):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@all_values
def test_names_are_there_once_and_short_enough(values: Path) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered(values)]

    assert len(set(names)) == len(names)
    assert max(len(name) for _, name in names) <= 63


@all_values
def test_what_a_pod_starts_our_command_line_takes(values: Path) -> None:
    objects = rendered(values)

    commands = [command_of(main_of(each)["args"]) for each in workloads(objects)]
    jobs = [command_of(main_of(each)["args"]) for each in of_kind(objects, "Job")]
    before = [x for each in workloads(objects) for x in pod_of(each).get("initContainers", [])]
    assert set(commands) <= {"up", "scheduler", "worker", "api", "run"}
    assert {*jobs, *(command_of(each["args"]) for each in before)} <= {"db migrate"}


@all_values
def test_the_variables_of_a_pod_are_settings(values: Path) -> None:
    objects = rendered(values)

    for each in workloads(objects):
        settings = settings_of(environment_of(objects, each))
        assert settings.instance_id == "rel-onbeat-7d9f-x2x4z"
        [port] = main_of(each)["ports"]
        serves = command_of(main_of(each)["args"]) in {"up", "api"}
        assert port["containerPort"] == (settings.port if serves else settings.probe_port)


@all_values
def test_a_pod_has_more_time_to_end_than_its_jobs(values: Path) -> None:
    objects = rendered(values)

    for each in workloads(objects):
        grace = settings_of(environment_of(objects, each)).shutdown_grace.total_seconds()
        hook = main_of(each).get("lifecycle", {}).get("preStop", {}).get("sleep", {})
        patience = pod_of(each)["terminationGracePeriodSeconds"]
        assert patience >= grace + hook.get("seconds", 0) + 10


@all_values
def test_a_pod_is_nobody_in_particular_and_writes_to_its_volumes_alone(values: Path) -> None:
    for each in [*workloads(rendered(values)), *of_kind(rendered(values), "Job")]:
        pod = pod_of(each)
        assert pod["securityContext"]["runAsNonRoot"]
        assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


@all_values
def test_what_selects_pods_finds_those_of_one_part(values: Path) -> None:
    objects = rendered(values)
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in workloads(objects)]
    picked = [each["spec"]["selector"] for each in of_kind(objects, "Service")]
    picked += [each["spec"]["selector"]["matchLabels"] for each in workloads(objects)]
    picked += [
        each["spec"]["selector"]["matchLabels"] for each in of_kind(objects, "PodDisruptionBudget")
    ]

    for selector in picked:
        assert sum(selector.items() <= each.items() for each in labels) == 1


@all_values
def test_the_job_that_migrates_needs_nothing_that_is_made_after_it(values: Path) -> None:
    objects = rendered(values)
    for job in of_kind(objects, "Job"):
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        key = main_of(job)["env"][0]["valueFrom"]["secretKeyRef"]
        if key["name"].startswith("rel-"):
            secret = named(objects, "Secret", key["name"])
            weights = [x["metadata"]["annotations"]["helm.sh/hook-weight"] for x in (secret, job)]
            assert int(weights[0]) < int(weights[1])
        assert "envFrom" not in main_of(job)


def by_api(values: Path) -> list[Object]:
    """What these values make where KEDA asks the API."""
    return rendered(values, "keda.by=api", "keda.tokenSecret=keda-token")


@all_values
def test_where_keda_asks_the_api_it_asks_of_each_queue_of_the_pool(values: Path) -> None:
    objects = by_api(values)
    service = of_kind(objects, "Service")[0]
    host = f"http://{service['metadata']['name']}.jobs.svc.cluster.local"

    for each in of_kind(objects, "ScaledObject"):
        target = named(objects, "Deployment", each["spec"]["scaleTargetRef"]["name"])
        queues = main_of(target)["args"][2].split(",")
        place = f"{host}:{service['spec']['ports'][0]['port']}/api/v1/queues"
        for queue, trigger in zip(queues, each["spec"]["triggers"], strict=True):
            assert trigger["type"] == "metrics-api"
            assert trigger["metadata"]["url"].startswith(f"{place}/{queue}/load?within=")
            assert secret_of(objects, trigger)["name"] == "keda-token"


@all_values
def test_where_keda_reads_the_database_a_pod_has_the_slots_that_one_is_asked_for(
    values: Path,
) -> None:
    objects = rendered(values, "keda.by=postgresql")

    for each in of_kind(objects, "ScaledObject"):
        target = named(objects, "Deployment", each["spec"]["scaleTargetRef"]["name"])
        _, _, queues, _, concurrency = main_of(target)["args"]
        [trigger] = each["spec"]["triggers"]
        asked = ", ".join(f"'{queue}'" for queue in queues.split(","))
        assert trigger["type"] == "postgresql"
        assert trigger["metadata"]["query"].endswith(f"WHERE queue IN ({asked})")
        assert trigger["metadata"]["targetQueryValue"] == concurrency
        assert secret_of(objects, trigger) == database_of(target)


def test_keda_may_read_as_somebody_who_may_do_nothing_else() -> None:
    objects = rendered(
        next(each for each in VALUES if each.stem == "everything"),
        "keda.connectionSecret=reader", "keda.connectionKey=dsn",
    )  # fmt: skip

    found = [
        secret_of(objects, trigger)
        for each in of_kind(objects, "ScaledObject")
        for trigger in each["spec"]["triggers"]
    ]
    assert found == [{"name": "reader", "key": "dsn"}] * 2


def secret_of(objects: list[Object], trigger: Object) -> dict[str, str]:
    """The Secret, and the key in it, that the trigger is let in by."""
    found = named(objects, "TriggerAuthentication", trigger["authenticationRef"]["name"])
    [secret] = found["spec"]["secretTargetRef"]
    assert secret["parameter"] == ("connection" if trigger["type"] == "postgresql" else "token")
    return {"name": secret["name"], "key": secret["key"]}


def database_of(workload: Object) -> dict[str, str]:
    """The Secret, and the key in it, that the pods have their database from."""
    [found] = [each for each in main_of(workload)["env"] if each["name"] == "ONBEAT_DB"]
    secret: dict[str, str] = found["valueFrom"]["secretKeyRef"]
    return secret


@all_values
def test_a_pool_that_is_scaled_has_no_number_of_its_own(values: Path) -> None:
    objects = rendered(values)

    for each in of_kind(objects, "ScaledObject"):
        target = named(objects, "Deployment", each["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in target["spec"]
        assert 0 <= each["spec"]["minReplicaCount"] < each["spec"]["maxReplicaCount"]


def test_what_is_not_scaled_has_as_many_as_are_wanted() -> None:
    wanted = {
        each["metadata"]["name"]: each["spec"] for each in of_kind(everything(), "Deployment")
    }

    assert {name: spec.get("replicas") for name, spec in wanted.items()} == {
        "rel-onbeat-scheduler": 3,
        "rel-onbeat-api": 3,
        "rel-onbeat-worker-default": None,
        "rel-onbeat-worker-mail": None,
        "rel-onbeat-service-counting": 2,
    }


def test_prometheus_is_led_to_the_port_of_the_service() -> None:
    [monitor] = of_kind(everything(), "ServiceMonitor")
    [service] = of_kind(everything(), "Service")

    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )


def test_nobody_may_speak_to_a_pod_but_to_the_api() -> None:
    policies = {x["metadata"]["name"]: x["spec"] for x in of_kind(everything(), "NetworkPolicy")}

    assert "ingress" not in policies["rel-onbeat"]
    assert policies["rel-onbeat"]["policyTypes"] == ["Ingress", "Egress"]
    [rule] = policies["rel-onbeat-api"]["ingress"]
    assert rule["ports"] == [{"port": "http", "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("setting", "field"),
    [
        ("shape=two", "shape"),
        ("grace=30", "grace"),
        ("graceSeconds=30s", "graceSeconds"),
        ("app=shop", "app"),
        ("database.url=mysql://db/shop", "database.url"),
        ("workers[0].name=Mail", "workers.0.name"),
        ("workers[0].queues=null", "workers.0.queues"),
        ("workers[0].concurrency=0", "workers.0.concurrency"),
        ("services[0].name=a", "services.0: replicas"),
        ("settings.ONBEAT_PORT=80", "settings"),
        ("settings.PORT=80", "settings"),
        ("api.port=80", "api.port"),
        ("probes.port=80", "probes.port"),
        ("keda.by=redis", "keda.by"),
        ("settings.ONBEAT_PROBE_PORT=80", "settings"),
        ("api.replicas=0", "api.replicas"),
        ("one.volume.size=5", "one.volume.size"),
    ],
)
def test_a_wrong_value_is_refused_by_name(setting: str, field: str) -> None:
    made = helm("template", "rel", str(CHART), "--set", "shape=one", "--set", setting)

    assert made.returncode != 0
    assert field in made.stderr.partition("onbeat:")[2]


SCALED = (
    "database.existingSecret=db",
    "workers[0].name=a", "workers[0].queues={a}", "workers[0].replicas=1",
    "workers[0].keda.enabled=true", "workers[0].keda.min=0", "workers[0].keda.max=2",
    "keda.by=api",
)  # fmt: skip


@pytest.mark.parametrize(("settings", "field"), [((), "database"), (SCALED, "keda.tokenSecret")])
def test_what_a_fleet_needs_is_asked_for(settings: tuple[str, ...], field: str) -> None:
    sets = [x for setting in settings for x in ("--set", setting)]

    made = helm("template", "rel", str(CHART), *sets)

    assert made.returncode != 0
    assert f"{field}: " in made.stderr
