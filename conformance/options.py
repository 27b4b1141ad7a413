"""Every option of the command line, declared once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from conformance.errors import UsageError
from conformance.requirement import Profile
from conformance.targets.base import Options

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


def parse_header(value: str) -> tuple[str, str]:
    """``NAME:VALUE``, split at the first colon. Raises ``UsageError`` for anything else, without the value."""
    name, colon, text = value.partition(":")
    if not colon or not HEADER_NAME.fullmatch(name.strip()):
        raise UsageError("--header: not of the form NAME:VALUE, with a name of letters, digits and hyphens")
    if not HEADER_VALUE.fullmatch(text.strip()):
        raise UsageError(f"--header {name.strip()}: its value has characters that HTTP does not carry in a header")
    return name.strip(), text.strip()


target = click.option(
    "--target",
    default="kind",
    show_default=True,
    metavar="T",
    help="kind, profile:NAME, eks:CLUSTER[@REGION], service:URL or s3:URL.",
)
context = click.option("--context", metavar="CTX", help="The kubeconfig context to use, with profile:NAME.")
metaflow_profile = click.option("--metaflow-profile", metavar="NAME", help="The Metaflow profile, with eks:CLUSTER.")
header = click.option(
    "--header",
    "headers",
    multiple=True,
    type=parse_header,
    metavar="NAME:VALUE",
    help="A header for the metadata service; may be repeated.",
)
images = click.option(
    "--images",
    type=click.Choice(["auto", "pull", "build"]),
    show_default="auto",
    help="Where the local deployment's images come from.",
)
profile = click.option(
    "--profile",
    type=click.Choice([p.value for p in Profile]),
    default=Profile.CORE.value,
    show_default=True,
    help="How much is judged; each includes the ones before it.",
)
area = click.option("--area", "areas", multiple=True, metavar="A", help="Only this area; may be repeated.")
only = click.option(
    "--only", multiple=True, metavar="ID-GLOB", help="Only these checks, of any profile; may be repeated."
)
workers = click.option(
    "-n", "workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes that judge."
)
mutants_area = click.option(
    "--area",
    "areas",
    multiple=True,
    default=("metadata",),
    show_default=True,
    metavar="A",
    help="metadata; or compute, gpu, security, which break the local deployment; may be repeated.",
)
mutants_only = click.option(
    "--only", multiple=True, metavar="GLOB", help="Only these mutants, by name or family; may be repeated."
)
mutants_list = click.option("--list", "listed", is_flag=True, help="List the mutants and try none.")
mutants_matrix = click.option(
    "--matrix", is_flag=True, help="Every check on every mutant, also where one has turned red: takes an hour."
)
mutants_workers = click.option(
    "-n",
    "workers",
    type=click.IntRange(1, 16),
    show_default="4; 6 of a deployment",
    help="Mutants that are tried at once, where one does not disturb the other.",
)
rbac_namespace = click.option(
    "--namespace", default="metaflow-jobs", show_default=True, metavar="NS", help="Where the jobs run."
)
rbac_argo = click.option(
    "--argo-namespace", "argo", default="argo", show_default=True, metavar="NS", help="Where Argo's controller runs."
)
rbac_sensors = click.option(
    "--sensor-namespace", "sensors", show_default="where the jobs run", metavar="NS", help="Where sensors are made."
)
rbac_user = click.option(
    "--user",
    show_default="the service account metaflow-user",
    metavar="NAME",
    help="Who launches: a user, group:NAME, or system:serviceaccount:NS:NAME.",
)
rbac_task = click.option(
    "--task-account", "task", default="metaflow-task", show_default=True, metavar="A", help="What steps run as."
)
rbac_workflow = click.option(
    "--workflow-account",
    "workflow",
    default="metaflow-workflow",
    show_default=True,
    metavar="A",
    help="What Argo runs as where a template names no account: workflowDefaults in its configuration, else default.",
)
output = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the record and the report go; default: results/RUN-ID.",
)
patience = click.option(
    "--patience",
    type=click.FloatRange(0.1, 100),
    default=1.0,
    show_default=True,
    metavar="FACTOR",
    help="Makes every deadline longer: for nodes that come when they are asked for, or large images.",
)
rerun_failed = click.option(
    "--rerun-failed",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Only what did not pass in the run recorded there.",
)
expected = click.option(
    "--expected",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A TOML list of known failures ([[expected]] with id and reason).",
)


def of_target(
    context: str | None, metaflow_profile: str | None, headers: tuple[Any, ...], images: str | None
) -> Options:
    """The options that concern the target."""
    return Options(context=context, profile=metaflow_profile, headers=headers, images=images)
