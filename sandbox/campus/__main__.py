"""``python -m sandbox.campus``: build the sample Campus, edit it, or write what other databases and an ODS need."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import duckdb

from sandbox.campus import EDITS, SCOPE_YEARS, build, sample_tables, seed_documents
from sandbox.campus.database import tsql_script


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0, or 2 for a wrong use."""
    options = _parser().parse_args(arguments)
    result: int = options.run(options)
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.campus", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("build", help="write the sample as a DuckDB file, in place of an earlier one")
    command.add_argument("path", type=Path)
    command.add_argument("--seed", type=int, default=2026)
    command.set_defaults(run=_build)

    command = commands.add_parser("edit", help="apply a named edit to a sample; without a name, list them")
    command.add_argument("path", type=Path)
    command.add_argument("name", nargs="?")
    command.set_defaults(run=_edit)

    command = commands.add_parser("seed", help="print the documents that the sandbox ODS starts with, as JSON")
    command.add_argument("path", type=Path)
    command.add_argument("scope_year", type=int, choices=SCOPE_YEARS)
    command.set_defaults(run=_seed)

    command = commands.add_parser("tsql", help="print the sample as a T-SQL script for an empty SQL Server database")
    command.add_argument("--seed", type=int, default=2026)
    command.set_defaults(run=_tsql)
    return parser


def _build(options: argparse.Namespace) -> int:
    build(options.path, options.seed)
    return 0


def _edit(options: argparse.Namespace) -> int:
    if options.name is None:
        for edit in EDITS.values():
            print(f"{edit.name:34} {edit.description}")
        return 0
    if options.name not in EDITS:
        return _wrong(f"there is no edit '{options.name}'; known: {', '.join(EDITS)}")
    if not options.path.is_file():
        return _wrong(f"{options.path} is no file; make one with: python -m sandbox.campus build {options.path}")
    with duckdb.connect(str(options.path)) as connection:
        EDITS[options.name].apply(connection)
    return 0


def _seed(options: argparse.Namespace) -> int:
    if not options.path.is_file():
        return _wrong(f"{options.path} is no file; make one with: python -m sandbox.campus build {options.path}")
    json.dump(seed_documents(options.path, options.scope_year), sys.stdout)
    return 0


def _tsql(options: argparse.Namespace) -> int:
    for statement in tsql_script(sample_tables(options.seed)):
        print(f"{statement};\nGO")
    return 0


def _wrong(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
