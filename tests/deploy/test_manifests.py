"""The Kubernetes manifests: valid by the schemas, and in line with the settings."""

from __future__ import annotations

from typing import Any, Literal

import kubernetes_validate  # type: ignore[import-untyped]  # it has no types
import pytest
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from holdfast_workers.settings import Settings
from holdfast_workflows.contracts import variables

from . import reads
from .files import RENDERED, containers, only, rendered

VERSION = "1.33"
"""Of Kubernetes: the oldest whose schemas the manifests must fit."""


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class TemporalTrigger(Strict):
    """The parameters of KEDA's Temporal scaler that are used here: keda.sh/docs/latest/scalers/temporal."""

    endpoint: str = Field(pattern=r"^[a-z0-9.-]+:\d+$")
    namespace: str
    task_queue: str
    queue_types: str = Field(pattern=r"^(workflow|activity)(,(workflow|activity))*$")
    target_queue_size: str = Field(pattern=r"^[1-9]\d*$")


class ResourceTrigger(Strict):
    value: str = Field(pattern=r"^[1-9]\d?$")


class Trigger(Strict):
    type: Literal["temporal", "cpu", "memory"]
    metric_type: Literal["Utilization"] | None = None
    metadata: TemporalTrigger | ResourceTrigger


class Target(Strict):
    name: str


class Scaled(Strict):
    scale_target_ref: Target
    min_replica_count: int = Field(ge=0)
    max_replica_count: int = Field(ge=1)
    cooldown_period: int
    triggers: list[Trigger]


def problems(manifest: dict[str, Any]) -> str:
    """What the schema says about a manifest; empty if it is valid."""
    try:
        kubernetes_validate.validate(manifest, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error.message)
    return ""


@pytest.mark.parametrize("folder", RENDERED)
def test_every_manifest_fits_the_schemas_strictly(folder: str) -> None:
    objects = rendered(folder)
    assert objects
    for each in objects:
        if each["kind"] == "ScaledObject":
            spec = Scaled.model_validate(each["spec"])
            assert (
                spec.scale_target_ref.name
                == only(objects, "Deployment", each["metadata"]["name"])["metadata"]["name"]
            )
        else:
            assert problems(each) == "", each["metadata"]["name"]


def test_a_misspelt_field_does_not_fit() -> None:
    service = only(rendered("base"), "Service", "worker")
    spec = service["spec"]
    assert problems(service) == ""
    assert "selectr" in problems({**service, "spec": {**spec, "selectr": spec["selector"]}})


@pytest.mark.parametrize("folder", RENDERED)
def test_every_variable_is_a_setting_and_has_a_valid_value(folder: str) -> None:
    named = set[str]()
    for each in rendered(folder):
        if each["kind"] == "ConfigMap":
            data = each["data"]
            named |= data.keys()
            Settings.load(**{name.removeprefix("HOLDFAST_").lower(): value for name, value in data.items()})
    for container in containers(rendered(folder)):
        named |= {each["name"] for each in container.get("env", ())}
    assert named - {f"{variables.PREFIX}{name}" for name in variables.CLIENT | variables.WORKER} == set()


_SECRETS = {
    "holdfast-models": {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"},
    "holdfast-memory": {"WEAVIATE_API_KEY"},
}
"""The variables of each Secret that is the user's."""

_FILES = {
    "state-url": "HOLDFAST_STATE_URL_FILE",
    "keys": "HOLDFAST_KEYS",
    "signing-key": "HOLDFAST_SIGNING_KEY",
}
"""The variable that names each file of the Secret."""


@pytest.mark.parametrize("name", reads.STARTS)
def test_a_process_gets_exactly_the_secrets_that_its_code_reads(name: str) -> None:
    (each,) = (
        each
        for each in rendered("overlays/production")
        if each["kind"] in ("Deployment", "Job") and each["metadata"]["name"] == name
    )
    pod, wanted = each["spec"]["template"]["spec"], reads.reads(name)
    (container,) = pod["containers"]
    sources = {source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source}
    assert sources == {secret for secret, variables in _SECRETS.items() if variables & wanted}
    (files,) = (volume["secret"]["items"] for volume in pod["volumes"] if "secret" in volume)
    given = {item["key"] for item in files}
    named = {text.rpartition("/")[2] for text in container["args"] if "/run/secrets/" in text}
    assert given == named | {file for file, variable in _FILES.items() if variable in wanted}


def test_backups_are_on_a_volume_of_the_workers_that_the_probe_reads() -> None:
    objects = rendered("overlays/production")
    folder = only(objects, "ConfigMap", "holdfast")["data"]["HOLDFAST_BACKUP_FOLDER"]
    assert only(objects, "PersistentVolumeClaim", "backups")["spec"]["accessModes"] == ["ReadWriteMany"]
    for name, read_only in (("worker", False), ("probe", True)):
        (container,) = only(objects, "Deployment", name)["spec"]["template"]["spec"]["containers"]
        (mount,) = (each for each in container["volumeMounts"] if each["name"] == "backups")
        assert (mount["mountPath"], mount.get("readOnly", False)) == (folder, read_only)


def test_ports_are_those_of_the_settings() -> None:
    objects = rendered("base")
    settings = only(objects, "ConfigMap", "holdfast")["data"]
    (worker,) = only(objects, "Deployment", "worker")["spec"]["template"]["spec"]["containers"]
    port = int(settings["HOLDFAST_HEALTH_PORT"])
    assert [each["containerPort"] for each in worker["ports"]] == [port] == [8000]
    template = only(objects, "Deployment", "worker")["spec"]["template"]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port)
    assert [each["port"] for each in only(objects, "Service", "worker")["spec"]["ports"]] == [port]
    assert (
        f"--worker=http://worker:{port}"
        in next(each for each in containers(objects) if each["name"] == "probe")["args"]
    )


def test_workers_have_probes_resources_and_time_to_finish_their_calls() -> None:
    objects = rendered("base")
    deployment = only(objects, "Deployment", "worker")["spec"]
    pod = deployment["template"]["spec"]
    (worker,) = pod["containers"]
    assert deployment["replicas"] == 3
    assert worker["livenessProbe"] == {
        "httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 30, "timeoutSeconds": 10,
    }  # fmt: skip
    assert worker["readinessProbe"] == {
        "httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 5,
    }  # fmt: skip
    assert worker["resources"] == {
        "requests": {"memory": "1Gi", "cpu": "500m"}, "limits": {"memory": "2Gi", "cpu": "1"},
    }  # fmt: skip
    graceful = float(only(objects, "ConfigMap", "holdfast")["data"]["HOLDFAST_GRACEFUL_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] > graceful + 8
    autoscaler = only(objects, "HorizontalPodAutoscaler", "worker")["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (3, 10)
    targets = {
        each["resource"]["name"]: each["resource"]["target"]["averageUtilization"]
        for each in autoscaler["metrics"]
    }
    assert targets == {"cpu": 70, "memory": 80}
    assert only(objects, "PodDisruptionBudget", "worker")["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("folder", RENDERED)
def test_no_container_may_gain_rights_or_write_to_its_image(folder: str) -> None:
    for container in containers(rendered(folder)):
        security = container["securityContext"]
        assert security == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
        }  # fmt: skip
    for each in rendered(folder):
        if "template" in each.get("spec", {}):
            pod = each["spec"]["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"] is True
            assert pod["automountServiceAccountToken"] is False


def test_the_backlog_scaler_takes_the_place_of_the_autoscaler() -> None:
    kinds = {each["kind"] for each in rendered("overlays/production")}
    assert "ScaledObject" in kinds
    assert "HorizontalPodAutoscaler" not in kinds
    queue = only(rendered("base"), "ConfigMap", "holdfast")["data"]["HOLDFAST_TASK_QUEUE"]
    scaled = Scaled.model_validate(only(rendered("overlays/production"), "ScaledObject", "worker")["spec"])
    (trigger,) = (each.metadata for each in scaled.triggers if isinstance(each.metadata, TemporalTrigger))
    assert trigger.task_queue == queue


def test_workers_of_a_service_are_apart_from_the_apps_own() -> None:
    own = only(rendered("base"), "Deployment", "worker")["spec"]["selector"]["matchLabels"]
    objects = rendered("services/search")
    service = only(objects, "Deployment", "worker-search")["spec"]
    labels = service["template"]["metadata"]["labels"]
    assert not own.items() <= labels.items()
    assert service["template"]["spec"]["containers"][0]["args"][-1] == "--queue=search"
    queue = only(rendered("base"), "ConfigMap", "holdfast")["data"]["HOLDFAST_TASK_QUEUE"]
    scaled = only(objects, "ScaledObject", "worker-search")["spec"]
    assert scaled["triggers"][0]["metadata"]["taskQueue"] == f"{queue}-search"
