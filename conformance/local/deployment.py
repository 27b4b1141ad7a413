"""Metaflow's components on the cluster: applied, waited for, proved, and described as a target."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import boto3
import requests
import tenacity
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from conformance import rights, roles
from conformance.errors import TargetError
from conformance.local import builds, cluster
from conformance.local.images import Images
from conformance.local.paths import (
    AWS_CONFIG,
    AWS_CREDENTIALS,
    CREDENTIALS,
    KUBECONFIG,
    METAFLOW_HOME,
    PROFILE,
    STATE,
    kind_config,
)
from conformance.local.shell import run
from conformance.requirement import NEEDS

PLATFORM, ARGO, JOBS = "metaflow", "argo", "metaflow-jobs"
METADATA_PORT, S3_PORT = 30080, 30070
BUCKET = "metaflow"
REGION = "us-east-1"
TASK_SECRET = "s3-credentials"  # noqa: S105 - its name
DEVICES = {"nvidia.com/gpu": 2, "amd.com/gpu": 1}
ROLLOUT_S = 240
REFUSED = tenacity.retry_if_exception_type(TargetError)

ROLLOUTS = (
    ("kube-system", "daemonset/pod-network"),
    ("kube-system", "deployment/coredns"),
    (PLATFORM, "deployment/postgres"),
    (PLATFORM, "deployment/s3"),
    (PLATFORM, "deployment/metadata-service"),
    (ARGO, "deployment/workflow-controller"),
    ("jobset-system", "deployment/jobset-controller-manager"),
    ("local-path-storage", "deployment/local-path-provisioner"),
    ("kube-system", "daemonset/gpu-device-plugin"),
)

PLACEHOLDERS = {
    "argo-controller": "quay.io/argoproj/workflow-controller",
    "jobset": "us-central1-docker.pkg.dev/k8s-staging-images/jobset/jobset",
}
"""How the manifests name an image, where not ``mfconf/<name>``."""

UPSTREAM = {
    "argo": ("github.com/argoproj/argo-workflows/v3", "manifests", ("base", "cluster-install-no-crds")),
    "jobset": ("sigs.k8s.io/jobset", "config", ("default", "components")),
}
"""Parts whose manifests come with their Go module: the module, the folder in it, which of its folders."""

ROLES = STATE / "manifests/jobs/roles.yaml"
STAGED = "/kind/manifests-mfconf"
"""Where the manifests are laid on the control plane."""


def apply(images: Images) -> None:
    """Put every component on the cluster."""
    credentials = _credentials()
    cluster.kubectl("apply", "--filename=-", doing="applying the secrets", stdin=json.dumps(_objects(credentials)))
    stage = STATE / "manifests"
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(kind_config() / "manifests", stage)
    for part, (module, folder, wanted) in UPSTREAM.items():
        source = builds.go_module(part, module) / folder
        for name in wanted:
            _lay(source / name, stage / part / "upstream" / name)
    ROLES.write_text(_roles(), encoding="utf-8")
    (stage / "kustomization.yaml").write_text(yaml.safe_dump(_kustomization(images)), encoding="utf-8")
    there = f"{cluster.CONTROL_PLANE}:{STAGED}"
    run(["docker", "cp", stage, there], doing="copying the manifests", timeout=60)
    cluster.kubectl("apply", "--server-side", f"--kustomize={STAGED}", doing="applying the manifests")


def permit() -> None:
    """Give the accounts what the checks need by now, where it is something else than when the deployment was made."""
    wanted = _roles()
    if ROLES.read_text(encoding="utf-8") != wanted:
        words = ("apply", "--server-side", "--force-conflicts", "--filename=-")
        cluster.kubectl(*words, doing="applying the roles", stdin=wanted)
        ROLES.write_text(wanted, encoding="utf-8")


def _roles() -> str:
    """What launching and judging need on a deployment that has everything, and nothing more."""
    user = f"{roles.ACCOUNT}{JOBS}:metaflow-user"
    holders = roles.Holders(JOBS, user, task="metaflow-task", workflow="metaflow-workflow", argo=ARGO)
    return roles.rendered(rights.needed(NEEDS), holders)


def _lay(source: Path, target: Path) -> None:
    """Copy a folder of Go's module cache without its modes: nothing in there may be written or removed."""
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _credentials() -> dict[str, str]:
    """The passwords of this deployment, made once and kept until ``down``."""
    if not CREDENTIALS.exists():
        made = {
            "postgres": secrets.token_urlsafe(24),
            "access": secrets.token_hex(10),
            "secret": secrets.token_urlsafe(30),
        }
        _write_private(CREDENTIALS, json.dumps(made))
    stored: dict[str, str] = json.loads(CREDENTIALS.read_text(encoding="utf-8"))
    return stored


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _objects(credentials: dict[str, str]) -> dict[str, Any]:
    """Namespaces and secrets: what exists before, and apart from, the manifests."""

    def secret(namespace: str, name: str, **data: str) -> dict[str, Any]:
        meta = {"name": name, "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}

    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in (PLATFORM, ARGO, JOBS)
    ]
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            *namespaces,
            secret(PLATFORM, "postgres", password=credentials["postgres"]),
            secret(PLATFORM, "s3", access=credentials["access"], secret=credentials["secret"]),
            secret(
                JOBS,
                TASK_SECRET,
                AWS_ACCESS_KEY_ID=credentials["access"],
                AWS_SECRET_ACCESS_KEY=credentials["secret"],
                AWS_DEFAULT_REGION=REGION,
                AWS_ENDPOINT_URL_S3=f"http://s3.{PLATFORM}:7070",
                # Metaflow starts a process for each of up to 64 objects, which on two cores is all that a pod does
                METAFLOW_S3_WORKER_COUNT="2",
            ),
        ],
    }


def _kustomization(images: Images) -> dict[str, Any]:
    named = []
    for name, reference in images.references.items():
        repository, _, tag = reference.rpartition(":")
        named.append({"name": PLACEHOLDERS.get(name, f"mfconf/{name}"), "newName": repository, "newTag": tag})
    executor = [
        {
            "op": "replace",
            "path": "/spec/template/spec/containers/0/args/1",
            "value": images.references["argo-executor"],
        }
    ]
    patches: list[dict[str, Any]] = [
        {"target": {"kind": "Deployment", "name": "workflow-controller"}, "patch": json.dumps(executor)}
    ]
    if "metadata" not in images.built:
        patches.append({"path": "official-metadata.yaml"})
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["platform", "argo", "jobset", "jobs", "gpu"],
        "images": named,
        "patches": patches,
    }


def wait() -> None:
    """Wait until every component is rolled out, the GPU node advertises its devices and a JobSet is taken."""
    for namespace, name in ROLLOUTS:
        cluster.kubectl(
            *("rollout", "status", name, f"--namespace={namespace}", f"--timeout={ROLLOUT_S}s"),
            doing=f"waiting for {name} in {namespace}",
            timeout=ROLLOUT_S + 10,
        )
    for resource, count in DEVICES.items():
        key = resource.replace(".", "\\.")
        cluster.kubectl(
            *("wait", "node", "--selector=nvidia.com/gpu.present=true", f"--timeout={ROLLOUT_S}s"),
            f"--for=jsonpath={{.status.allocatable['{key}']}}={count}",
            doing=f"waiting for the simulated {resource}",
            timeout=ROLLOUT_S + 10,
        )
    _await_jobset_webhook()


def _await_jobset_webhook() -> None:
    """The controller counts as rolled out some moments before the API server reaches its webhook."""
    stop = tenacity.stop_after_delay(ROLLOUT_S)
    asking = tenacity.Retrying(stop=stop, wait=tenacity.wait_fixed(1), reraise=True, retry=REFUSED)
    asking(
        cluster.kubectl,
        *("create", "--dry-run=server", f"--filename={STAGED}/jobset/proof.yaml"),
        doing="waiting for the webhook of JobSet",
    )


def describe(images: Images) -> None:
    """Write what a user of the deployment has: a Metaflow profile, a kubeconfig, and AWS files for the store."""
    credentials = _credentials()
    ports = cluster.ports()
    metaflow = {
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_SERVICE_URL": f"http://127.0.0.1:{ports[METADATA_PORT]}",
        "METAFLOW_SERVICE_INTERNAL_URL": f"http://metadata-service.{PLATFORM}:8080",
        "METAFLOW_DEFAULT_DATASTORE": "s3",
        "METAFLOW_DATASTORE_SYSROOT_S3": f"s3://{BUCKET}/metaflow",
        "METAFLOW_DATATOOLS_S3ROOT": f"s3://{BUCKET}/data",
        "METAFLOW_KUBERNETES_NAMESPACE": JOBS,
        "METAFLOW_KUBERNETES_SERVICE_ACCOUNT": "metaflow-task",
        "METAFLOW_KUBERNETES_SECRETS": TASK_SECRET,
        "METAFLOW_KUBERNETES_CONTAINER_IMAGE": images.references["task"],
        "METAFLOW_KUBERNETES_IMAGE_PULL_POLICY": "IfNotPresent",
    }
    _write_private(METAFLOW_HOME / f"config_{PROFILE}.json", json.dumps(metaflow, indent=2))
    _write_private(
        AWS_CREDENTIALS,
        f"[default]\naws_access_key_id = {credentials['access']}\naws_secret_access_key = {credentials['secret']}\n",
    )
    _write_private(
        AWS_CONFIG,
        f"[default]\nregion = {REGION}\nservices = local\n\n[services local]\ns3 =\n"
        f"  endpoint_url = http://127.0.0.1:{ports[S3_PORT]}\n",
    )
    _write_private(KUBECONFIG, yaml.safe_dump(_kubeconfig()))


def _kubeconfig() -> dict[str, Any]:
    """A kubeconfig of the account that launches flows: no administrator."""
    server, authority = cluster.api_server()
    token = cluster.kubectl(
        *("get", "secret", "metaflow-user-token", f"--namespace={JOBS}"),
        "--output=go-template={{.data.token | base64decode}}",
        doing="reading the launcher's token",
        secret=True,
    )
    context = {"cluster": cluster.NAME, "user": "metaflow-user", "namespace": JOBS}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": f"kind-{cluster.NAME}",
        "clusters": [{"name": cluster.NAME, "cluster": {"server": server, "certificate-authority-data": authority}}],
        "contexts": [{"name": f"kind-{cluster.NAME}", "context": context}],
        "users": [{"name": "metaflow-user", "user": {"token": token.strip()}}],
    }


def prove() -> None:
    """Use what was built, as a user would: an object written and read back, a flow registered.

    Raises ``TargetError`` naming the component that does not answer.
    """
    ports = cluster.ports()
    credentials = _credentials()
    endpoint = f"http://127.0.0.1:{ports[S3_PORT]}"
    s3 = boto3.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=credentials["access"],
        aws_secret_access_key=credentials["secret"],
        config=Config(connect_timeout=5, read_timeout=20),
    )
    try:
        if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="mfconf/proof", Body=b"written by mfconf up")
        read = s3.get_object(Bucket=BUCKET, Key="mfconf/proof")["Body"].read()
        s3.delete_object(Bucket=BUCKET, Key="mfconf/proof")
    except (BotoCoreError, ClientError) as error:
        raise TargetError(f"the S3 server at {endpoint} does not work: {error}; try mfconf down, then up") from error
    if read != b"written by mfconf up":
        raise TargetError(f"the S3 server at {endpoint} gave back something else than was written")
    flow = f"http://127.0.0.1:{ports[METADATA_PORT]}/flows/MfconfProof"
    try:
        if requests.get(flow, timeout=10).status_code == requests.codes.not_found:
            body = {"flow_id": "MfconfProof", "user_name": "mfconf", "tags": [], "system_tags": []}
            requests.post(flow, json=body, timeout=10).raise_for_status()
        requests.get(flow, timeout=10).raise_for_status()
    except requests.RequestException as error:
        raise TargetError(f"the metadata service does not work: {error}; try mfconf down, then up") from error
