"""What is put on the cluster: manifests of ours, of Go modules, and what is waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.errors import TargetError
from conformance.local import cluster, deployment, images, paths

MANIFESTS = paths.kind_config() / "manifests"
STORAGE = paths.kind_config() / "build/node/files/kind/manifests/default-storage.yaml"


def test_a_folder_of_the_module_cache_is_laid_so_that_it_can_be_removed(tmp_path: Path) -> None:
    source = tmp_path / "cache"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "role.yaml").write_text("kind: Role", encoding="utf-8")
    for path in (source / "deep" / "role.yaml", source / "deep", source):
        path.chmod(0o555)

    deployment._lay(source, tmp_path / "stage")

    assert (tmp_path / "stage/deep/role.yaml").read_text(encoding="utf-8") == "kind: Role"
    laid = [tmp_path / "stage", *(tmp_path / "stage").rglob("*")]
    assert all(path.stat().st_mode & 0o200 for path in laid)


def test_what_the_manifests_take_from_a_module_is_laid() -> None:
    laid = {f"{part}/upstream/{name}" for part, (_, _, wanted) in deployment.UPSTREAM.items() for name in wanted}
    taken = set()
    for part in MANIFESTS.iterdir():
        listed = yaml.safe_load((part / "kustomization.yaml").read_text(encoding="utf-8"))["resources"]
        taken |= {"/".join([part.name, *name.split("/")[:2]]) for name in listed if name.startswith("upstream/")}

    assert taken
    assert taken <= laid
    assert set(deployment.UPSTREAM) == {name.split("/")[0] for name in taken}


def test_every_part_is_applied() -> None:
    entries = images.catalogue()
    provided = images.Images({name: f"mfconf/{name}:1" for name in entries}, set(entries))

    applied = deployment._kustomization(provided)

    assert set(applied["resources"]) == {part.name for part in MANIFESTS.iterdir()}
    assert {"name": deployment.PLACEHOLDERS["jobset"], "newName": "mfconf/jobset", "newTag": "1"} in applied["images"]


def test_the_devices_that_are_waited_for_are_those_that_the_plugins_advertise() -> None:
    plugin = yaml.safe_load((MANIFESTS / "gpu/device-plugin.yaml").read_text(encoding="utf-8"))
    told = [
        {entry["name"]: entry["value"] for entry in container["env"]}
        for container in plugin["spec"]["template"]["spec"]["containers"]
    ]

    assert {env["RESOURCE"]: int(env["COUNT"]) for env in told} == deployment.DEVICES


def test_the_storage_class_runs_on_an_image_that_the_node_carries() -> None:
    (name,) = images.catalogue()["storage"].names
    objects = {found["kind"]: found for found in yaml.safe_load_all(STORAGE.read_text(encoding="utf-8"))}
    provisioner = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    helper = yaml.safe_load(objects["ConfigMap"]["data"]["helperPod.yaml"])["spec"]["containers"]

    assert {container["image"] for container in [*provisioner, *helper]} == {name}
    assert "storage" in images.catalogue()["node"].build["carries"]


@pytest.mark.parametrize(("refusals", "is_up"), [(0, True), (2, True), (3, False)])
def test_a_jobset_has_to_be_taken_before_all_is_up(
    monkeypatch: pytest.MonkeyPatch, refusals: int, *, is_up: bool
) -> None:
    asked: list[tuple[str, ...]] = []

    def kubectl(*arguments: str, **_: Any) -> str:
        if "--dry-run=server" in arguments:
            asked.append(arguments)
            if len(asked) <= refusals:
                raise TargetError("no endpoints available for service jobset-webhook-service")
        return ""

    monkeypatch.setattr(cluster, "kubectl", kubectl)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    monkeypatch.setattr(deployment, "ROLLOUT_S", 240 if is_up else 0)

    if is_up:
        deployment.wait()
        assert len(asked) == refusals + 1
    else:
        with pytest.raises(TargetError, match="no endpoints available"):
            deployment.wait()
