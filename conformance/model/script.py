"""A history as a shell script of curl calls, for anyone to replay."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Iterable, Sequence

from conformance.model.program import Request

HEAD = """\
#!/bin/sh
{why}
# Replay: URL=http://HOST:PORT sh replay.sh   (with HEADER='NAME: VALUE' where the service asks for one)
set -u
: "${{URL:={url}}}"
F="${{F:-{flow}_$(date +%s)_$$}}"   # the service has no delete: each replay works in flows of its own
call() {{
  printf '\\n%s %s\\n' "$1" "$2" >&2
  if [ $# -gt 2 ]; then set -- "$@" -H 'Content-Type: application/json' --data-binary "$3"; fi
  _method=$1; _path=$2; shift 2; [ $# -gt 0 ] && shift
  curl -sS -w '\\n(status %{{http_code}})\\n' ${{HEADER:+-H "$HEADER"}} -X "$_method" "$@" "$URL$_path"
}}
number() {{ tee /dev/stderr | sed -n "s/.*\\"$1\\": *\\"\\{{0,1\\}}\\([^\\",}}]*\\).*/\\1/p"; }}
pages() {{   # PATH ROWS
  _next=
  while :; do
    printf '\\nGET %s?_limit=%s%s\\n' "$1" "$2" "$_next" >&2
    _head=$(mktemp)
    curl -sS -D "$_head" ${{HEADER:+-H "$HEADER"}} "$URL$1?_limit=$2$_next"; echo
    _next=$(tr -d '\\r' <"$_head" | sed -n 's/^[Xx]-[Nn]ext-[Cc]ursor: *//p' | sed 's/+/%2B/g; s/=/%3D/g; s,/,%2F,g')
    rm -f "$_head"
    [ -n "$_next" ] || break
    _next="&_cursor=$_next"
  done
}}
"""


def render(why: Sequence[str], url: str, program: Iterable[Request], ending: Sequence[str] = ()) -> str:
    """The script of calls one after another; ``why`` and ``ending`` are comments before and after them."""
    return "\n".join((head(why, url), *lines(program), *(f"# {line}" for line in ending), ""))


def render_together(
    why: Sequence[str],
    url: str,
    setup: Iterable[Request],
    clients: Iterable[Sequence[Request]],
    after: Iterable[Request],
) -> str:
    """The script of a concurrent history: a set-up, clients at the same time, and what is read afterwards."""
    together = [part for plan in clients for part in ("(", *(f"  {line}" for line in lines(plan)), ") &")]
    note = "# at the same time; run it several times: it depends on who comes first"
    return "\n".join((head(why, url), *lines(setup), note, *together, "wait", *lines(after), ""))


def head(why: Sequence[str], url: str) -> str:
    """What every script begins with."""
    comments = "\n".join(f"# {' '.join(line.split())}" for line in why)
    return HEAD.format(why=comments, url=url, flow="Mfconf_replay")


def lines(program: Iterable[Request]) -> list[str]:
    """A line a call; the same one many times over becomes a loop."""
    requests = list(program)
    used = " ".join(request.path for request in requests)
    found: list[str] = []
    for line, group in itertools.groupby(requests, lambda request: _line(request, used)):
        times = len(list(group))
        found.append(line if times == 1 else f"for _ in $(seq {times}); do {line}; done")
    return found


def _line(request: Request, used: str) -> str:
    if request.pages:
        return f'pages "{request.path}" {request.pages}'
    call = f'call {request.method} "{request.path}"'
    if request.body is not None:
        call += f" {shlex.quote(json.dumps(request.body))}"
    if request.binds and f"${{{request.binds}}}" in used:
        what = "run_number" if request.binds.startswith("r") else "task_id"
        return f"{request.binds}=$({call} | number {what})"
    return call
