"""The whole way with one mutant: a real service, the real checks, a real Postgres."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.errors import TargetError
from conformance.mutants import catalogue
from conformance.mutants.court import Court
from conformance.mutants.service import serving
from conformance.outcome import Level
from conformance.reference.postgres import Server, postgres

CHECKS = {"META-001", "META-031"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="mfconf-pg-") as folder, postgres(Path(folder) / "data") as running:
        yield running


@pytest.fixture
def court(server: Server, tmp_path: Path) -> Court:
    court = Court(server, tmp_path, "metadata", matrix=False)
    court.checks = [check for check in court.checks if check.id in CHECKS]
    return court


def test_the_unbroken_service_passes_and_a_mutant_does_not(court: Court) -> None:
    levels = court.baseline()
    finding = court.judge(catalogue.find("attempt-first"), levels)

    assert levels == dict.fromkeys(sorted(CHECKS), Level.MUST)
    assert finding.killers == ("META-031",)
    assert not finding.ended


def test_a_mutant_behind_a_proxy_is_killed_as_it_should_be(court: Court) -> None:
    finding = court.judge(catalogue.find("proxy-redirects-all"), dict.fromkeys(CHECKS, Level.MUST))

    assert "redirects" in finding.ended


def test_a_service_that_does_not_start_is_an_error(server: Server, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="not in the catalogue"), serving(server, "no-such", tmp_path / "log"):
        pass
