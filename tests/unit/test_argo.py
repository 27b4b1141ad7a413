"""Argo as the cluster's API tells of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from conformance.system import argo, cluster

ARGO_CD = ("applications", "appprojects", "rollouts")
NONE = ApiException(status=404, reason="Not Found")


def answering(monkeypatch: pytest.MonkeyPatch, answer: tuple[str, ...] | ApiException) -> None:
    """A cluster that tells these kinds of the API version argoproj.io/v1alpha1, or refuses."""

    class Api:
        def __init__(self, _: object) -> None:
            pass

        def get_api_resources(self, group: str, version: str, **_: object) -> Any:
            assert (group, version) == ("argoproj.io", "v1alpha1")
            if isinstance(answer, ApiException):
                raise answer
            return SimpleNamespace(resources=[SimpleNamespace(name=name) for name in answer])

    monkeypatch.setattr(cluster, "connection", lambda: None)
    monkeypatch.setattr(argo, "CustomObjectsApi", Api)


@pytest.mark.parametrize(
    ("answer", "installed"),
    [
        (("workflows", "workflowtemplates", "cronworkflows"), True),
        ((*ARGO_CD, "workflowtemplates"), True),
        (ARGO_CD, False),
        (NONE, False),
    ],
)
def test_argo_is_there_where_its_templates_are_known(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[str, ...] | ApiException, *, installed: bool
) -> None:
    answering(monkeypatch, answer)

    assert argo.Argo.installed() is installed


def test_a_refusal_is_not_an_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ApiException(status=503, reason="Unavailable"))

    with pytest.raises(ApiException):
        argo.Argo.installed()
