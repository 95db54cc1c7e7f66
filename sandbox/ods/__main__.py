"""`python -m sandbox.ods`: an Ed-Fi API for trying things, with a key and a secret printed at the start."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
import threading
from pathlib import Path

import uvloop

from sandbox.ods.clients import CLAIM_SETS
from sandbox.ods.dialects import DIALECTS
from sandbox.ods.instance import SeedError
from sandbox.ods.journal import JournalError
from sandbox.ods.sandbox import Sandbox, Settings


def _arguments() -> argparse.Namespace:
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="python -m sandbox.ods", description=__doc__)
    parser.add_argument("--host", default=defaults.host, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--api", choices=DIALECTS, default=defaults.api, help="API generation (default: %(default)s)")
    parser.add_argument(
        "--seed",
        action="append",
        default=[],
        metavar="[YEAR=]FILE",
        help="JSON file {resource: [document, …]}, for all school years or one; default: a small district",
    )
    parser.add_argument("--key", default=defaults.key)
    parser.add_argument("--secret", default=defaults.secret)
    parser.add_argument("--claim-set", choices=CLAIM_SETS, default=defaults.claim_set, help="what the key may do")
    parser.add_argument(
        "--education-organization",
        action="append",
        type=int,
        default=[],
        metavar="ID",
        help="the key's education organizations (default: the seed's districts)",
    )
    parser.add_argument(
        "--school-year", action="append", type=int, default=[], metavar="YEAR", help="serve one ODS a school year"
    )
    parser.add_argument("--tenant", action="append", default=[], metavar="NAME", help="serve one ODS a tenant")
    parser.add_argument("--token-seconds", type=float, default=1800, help="how long a token lives (default: 1800)")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end when standard input does, as whoever started it has"
    )
    parser.add_argument("--state", type=Path, metavar="FILE", help="keep the data in a file (default: in memory)")
    return parser.parse_args()


def _settings(arguments: argparse.Namespace) -> Settings:
    seeds: dict[int | None, Path] = {}
    for text in arguments.seed:
        year, separator, path = text.partition("=")
        if separator and year.isdigit():
            seeds[int(year)] = Path(path)
        else:
            seeds[None] = Path(text)
    return Settings(
        api=arguments.api,
        host=arguments.host,
        port=arguments.port,
        key=arguments.key,
        secret=arguments.secret,
        claim_set=arguments.claim_set,
        seeds=seeds,
        years=tuple(arguments.school_year),
        tenants=tuple(arguments.tenant),
        education_organizations=tuple(arguments.education_organization),
        token_seconds=arguments.token_seconds,
        state=arguments.state,
    )


def _end_with_stdin() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    arguments = _arguments()
    settings = _settings(arguments)
    if arguments.until_stdin_closes:
        threading.Thread(target=_end_with_stdin, daemon=True).start()

    def announce(base_url: str) -> None:
        print(f"sandbox ODS ready at {base_url} key={settings.key} secret={settings.secret}", flush=True)

    try:
        sandbox = Sandbox(settings)
        gc.freeze()  # the seed stays: the collector need not walk it again and again
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(sandbox.run(announce))
    except (SeedError, JournalError) as error:
        print(f"sandbox ODS: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        address = f"{settings.host}:{settings.port}"
        print(f"sandbox ODS: cannot listen on {address}: {error.strerror or error}.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
