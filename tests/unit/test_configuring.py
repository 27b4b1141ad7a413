"""What a scenario configures does not push out what its target needs."""

from __future__ import annotations

import json

import pytest

from conformance.system.configuring import extended


@pytest.mark.parametrize(
    ("setting", "own", "more", "both"),
    [
        ("LABELS", "mfconf.dev/run=r,team=a", "asked=1", "mfconf.dev/run=r,team=a,asked=1"),
        ("ANNOTATIONS", "", "asked=1", "asked=1"),
        ("NODE_SELECTOR", "pool=jobs,kubernetes.io/os=linux", "kubernetes.io/os=linux", None),
        ("SECRETS", "store", "mine", "store,mine"),
        ("CPU", "2", "0.1", "0.1"),
    ],
)
def test_pairs_stay_beside_those_of_the_target(setting: str, own: str, more: str, both: str | None) -> None:
    name = f"METAFLOW_KUBERNETES_{setting}"

    assert extended({name: own, "METAFLOW_USER": "u"}, {name: more}) == {name: both or own}


@pytest.mark.parametrize(
    ("setting", "own", "more", "both"),
    [
        ("TOLERATIONS", '[{"key": "team"}]', '[{"key": "asked"}]', [{"key": "team"}, {"key": "asked"}]),
        ("IMAGE_PULL_SECRETS", "", '["mine"]', ["mine"]),
        ("PERSISTENT_VOLUME_CLAIMS", '{"c": "/c"}', '{"d": "/d"}', {"c": "/c", "d": "/d"}),
    ],
)
def test_lists_and_objects_are_put_together(setting: str, own: str, more: str, both: object) -> None:
    name = f"METAFLOW_KUBERNETES_{setting}"

    assert json.loads(extended({name: own}, {name: more})[name]) == both
