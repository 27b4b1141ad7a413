"""The catalogue is sound: every mutant fits the reference service as it is now."""

from __future__ import annotations

import pytest
from aiohttp import web

from conformance.errors import UsageError
from conformance.mutants import catalogue
from conformance.mutants.bench import Bench, Handler
from conformance.mutants.editing import StaleMutant
from conformance.reference.metadata_service import config
from conformance.reference.metadata_service.__main__ import application
from conformance.requirement import catalogue as checks

SETTINGS = config.from_environment({})
MUTANTS = catalogue.mutants((catalogue.METADATA,))


def test_there_are_enough_mutants_of_many_kinds() -> None:
    assert len(MUTANTS) >= 60
    assert len({mutant.family for mutant in MUTANTS}) >= 10


def test_no_two_mutants_say_the_same() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({mutant.defect for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_mutant_finds_what_it_changes(mutant: catalogue.Mutant) -> None:
    bench = mutant.laid_out(Bench(mutant.name))

    bench.check()
    app = application(SETTINGS)
    before = len(app.middlewares)
    bench.apply(app)

    assert bench.edits or bench.statements or bench.proxy or len(app.middlewares) > before + 1


def test_an_edit_of_what_is_not_there_is_loud() -> None:
    bench = Bench("stale")
    bench.edit("entities", "no such words", "others")

    with pytest.raises(StaleMutant, match="no such words"):
        bench.check()


def test_an_edit_of_what_is_there_more_often_is_loud() -> None:
    bench = Bench("stale")
    bench.edit("entities", "async def", "def")

    with pytest.raises(StaleMutant, match="times, not 1"):
        bench.check()


def test_a_route_that_is_not_there_is_loud() -> None:
    bench = Bench("stale")

    @bench.around("GET T/nothing")
    async def never(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise NotImplementedError

    with pytest.raises(StaleMutant, match="GET T/nothing"):
        bench.apply(application(SETTINGS))


def test_checks_claim_mutants_that_exist() -> None:
    known = {mutant.name for mutant in MUTANTS}
    claimed = {name for check in checks() if check.area == "metadata" for name in check.kills}

    assert claimed <= known


def test_selection_by_name_and_family() -> None:
    assert [mutant.name for mutant in catalogue.select(("attempt-first",), ("metadata",))] == ["attempt-first"]
    assert {mutant.family for mutant in catalogue.select(("tags",))} == {"tags"}
    with pytest.raises(UsageError, match="no-such"):
        catalogue.select(("no-such*",))
    with pytest.raises(UsageError, match="no mutant of gpu"):
        catalogue.select(("attempt-first",), ("gpu",))


def test_services_and_deployments_are_tried_apart() -> None:
    catalogue.check_areas(("gpu", "compute"))
    with pytest.raises(UsageError, match="ask for it alone"):
        catalogue.check_areas(("gpu", "metadata"))
    with pytest.raises(UsageError, match="--area argo: no mutants of it"):
        catalogue.check_areas(("argo",))


@pytest.mark.parametrize("name", ["One", "one", "one_two", "-one-two"])
def test_names_are_in_kebab_case(name: str) -> None:
    with pytest.raises(ValueError, match="lower case"):
        catalogue.mutant(name)


def test_a_mutant_says_what_is_wrong() -> None:
    def silent(bench: Bench) -> None:
        del bench

    with pytest.raises(ValueError, match="docstring"):
        catalogue.mutant("says-nothing")(silent)
