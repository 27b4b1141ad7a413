"""``python -m conformance.mutants.serve NAME [--port N]``: one broken service, for the trial or to look at.

The database is given as for the reference service (``MF_METADATA_DB_*``). Prints its URL when it answers, and
ends with SIGTERM, or when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys

from aiohttp import web

from conformance.errors import HarnessError
from conformance.mutants import catalogue, proxy
from conformance.mutants.bench import Bench
from conformance.mutants.editing import StaleMutant

HOST = "127.0.0.1"
UNBROKEN = "unbroken"
"""The name of the service as it is, from which the trial starts."""


def main() -> None:
    """Serve the mutant that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m conformance.mutants.serve", description=__doc__)
    parser.add_argument("name", help=f"a mutant (see mfconf mutants --list), or {UNBROKEN}")
    parser.add_argument("--port", type=int, default=0, help="0, the default: any that is free")
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input does")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    try:
        bench = Bench(asked.name)
        if asked.name != UNBROKEN:
            catalogue.find(asked.name, (catalogue.METADATA,)).laid_out(bench)
        asyncio.run(serve(bench, asked.port, watch=asked.watch_stdin))
    except (HarnessError, StaleMutant) as error:
        sys.exit(f"mutant {asked.name}: {error}")


async def serve(bench: Bench, port: int, *, watch: bool) -> None:
    """Serve until told to stop. Raises ``StaleMutant`` where the mutant does not fit the service any more."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if watch:
        loop.add_reader(sys.stdin, over.set)
    app = application(bench)
    url = await _listen(app, 0 if bench.proxy else port)
    if bench.proxy:
        url = await _listen(proxy.application(bench.proxy, url), port)
    print(url, flush=True)  # noqa: T201 - for whoever started it
    await over.wait()


def application(bench: Bench) -> web.Application:
    """The reference service with the changes of a bench."""
    bench.before_import()
    from conformance.reference.metadata_service import config  # noqa: PLC0415 - after the edits
    from conformance.reference.metadata_service.__main__ import application as build  # noqa: PLC0415

    app = build(config.from_environment())
    bench.apply(app)
    return app


async def _listen(app: web.Application, port: int) -> str:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    found = runner.addresses[0]
    return f"http://{HOST}:{found[1]}"


if __name__ == "__main__":
    main()
