"""``edfi-cte init``: a settings file for a new deployment, from what Campus and the ODS say themselves."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.configuration import conf

from edfi_cte.campus import CampusReader
from edfi_cte.cli.output import console
from edfi_cte.cli.proposals import Answers, Descriptor, clusters, programs, settings_text
from edfi_cte.cli.targets import scope_year
from edfi_cte.deployment import campus_of
from edfi_cte.errors import EdfiCteError
from edfi_cte.hooks.edfi import EdFiHook
from edfi_cte.ods import EdFiError
from edfi_cte.ods.values import descriptor_uri, text_of
from edfi_cte.settings import CTE_PROGRAM_TYPE_URI, Settings, load_settings
from edfi_cte.suggestions import did_you_mean


def add(commands: Any) -> None:
    """Its arguments."""
    command = commands.add_parser("init", help="write a settings file from what Campus and the ODS say")
    command.set_defaults(command=init)
    command.add_argument(
        "--output", type=Path, help="the file to write; by default include/edfi_cte.yaml beside the DAGs"
    )
    command.add_argument("--district", help="the State District Number, where Campus has several")
    command.add_argument("--scope-year", type=scope_year, help="a school year by its ending year")
    command.add_argument("--campus-conn-id", help="the Airflow connection to Campus")
    command.add_argument("--edfi-conn-id", help="the Airflow connection to the year's ODS")
    command.add_argument("--ledger-conn-id", help="the Airflow connection to the ledger's database")
    command.add_argument("--force", action="store_true", help="write over a file that is there")
    command.add_argument("--yes", action="store_true", help="ask nothing; take what is proposed")


def init(options: argparse.Namespace) -> int:
    """Asks what it must know, reads, and writes. Nothing is sent to the ODS."""
    path: Path = options.output or Path(conf.get("core", "dags_folder")).parent / "include" / "edfi_cte.yaml"
    if path.exists() and not options.force:
        raise EdfiCteError(
            f"a file is there already, and was left alone. Name another --output, or give --force: {path}"
        )
    _see_that_it_can_be_written(path)
    ask = _Asking(quiet=options.yes)
    year = options.scope_year or _year(ask("Scope year, by its ending year", str(_this_school_year())))
    campus_conn_id = options.campus_conn_id or ask("Airflow connection to Campus", "campus")
    edfi_conn_id = options.edfi_conn_id or ask(f"Airflow connection to the ODS of {year}", f"edfi_{year}")
    ledger_conn_id = options.ledger_conn_id or ask("Airflow connection to the ledger", "edfi_cte_ledger")
    district = _district(options.district, _campus("000000", year, campus_conn_id, edfi_conn_id), ask)
    usage = _campus(district, year, campus_conn_id, edfi_conn_id).code_usage(year)
    used = {
        field: [item for item in usage if item.field == field and item.records]
        for field in ("career_cluster", "cte_program_type")
    }
    with EdFiHook(edfi_conn_id) as hook:
        ods = _read_ods(hook, int(district))
    answers = Answers(district, year, campus_conn_id, edfi_conn_id, ledger_conn_id, ods.edorg_id)
    cluster_proposals = clusters(used["career_cluster"], ods.clusters)
    program_proposals = programs(used["cte_program_type"], ods.programs)
    _write(path, settings_text(answers, cluster_proposals, program_proposals, ods.program_type))
    settings = load_settings(path)
    settings.preferences_of(settings.targets[0])
    _tell(path, [one for one in (*cluster_proposals, *program_proposals) if "same" not in one.why], year)
    return 0


def _see_that_it_can_be_written(path: Path) -> None:
    """Before anything is asked. Raises EdfiCteError."""
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir() or not above.is_dir():
        raise _unwritable(path, f"{path if path.is_dir() else above} is a {'folder' if path.is_dir() else 'file'}")
    if not os.access(path if path.exists() else above, os.W_OK):
        raise _unwritable(path, "this user may not")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error.strerror or type(error).__name__) from None


def _unwritable(path: Path, why: str) -> EdfiCteError:
    return EdfiCteError(f"the file can't be written: {why}. Name another --output than {path}")


def _tell(path: Path, to_look_at: Sequence[Any], year: int) -> None:
    say: Callable[[str], None] = lambda text: console.print(text, markup=False, highlight=False)  # noqa: E731
    say(f"Written: {path}")
    for one in to_look_at:
        proposed = f"{one.value} ({one.why})" if one.value else "nothing in the ODS is like it"
        say(f"  {one.code} {one.name or '(no label in Campus)'}, {one.records:,} records: {proposed}")
    say(f"Look at the comments in it. Then: edfi-cte check --scope-year {year}")


@dataclass(frozen=True, slots=True)
class _Ods:
    clusters: list[Descriptor]
    programs: list[str]
    program_type: str
    edorg_id: int | None
    """Where the key is for one education organization alone, and that is not the State District Number."""


def _read_ods(hook: EdFiHook, district: int) -> _Ods:
    """What of the ODS the proposals are made of. Raises EdfiCteError."""
    try:
        granted = hook.call(lambda client: client.token_info()).education_organization_ids
        own = granted[0] if len(granted) == 1 and granted[0] != district else None
        types = [one.uri for one in _descriptors(hook, "programTypeDescriptors")]
        near = next((uri for uri in types if uri.casefold() == CTE_PROGRAM_TYPE_URI.casefold()), None)
        near = near or next((uri for uri in types if "career and technical" in uri.casefold()), CTE_PROGRAM_TYPE_URI)
        names = {
            text_of(row, "programName")
            for row in hook.get_all("programs", {"educationOrganizationId": own or district})
            if text_of(row, "programTypeDescriptor").casefold() == near.casefold()
        }
        return _Ods(_descriptors(hook, "cteProgramServiceDescriptors"), sorted(filter(None, names)), near, own)
    except EdFiError as error:
        raise EdfiCteError(f"connection '{hook.edfi_conn_id}': {error}") from None


def _descriptors(hook: EdFiHook, resource: str) -> list[Descriptor]:
    rows = [(uri, row) for row in hook.get_all(resource) if (uri := descriptor_uri(row))]
    return [
        Descriptor(uri, text_of(row, "shortDescription") or text_of(row, "description"))
        for uri, row in sorted(rows, key=lambda pair: (pair[1]["namespace"], pair[1]["codeValue"]))
    ]


def _campus(district: str, year: int, campus_conn_id: str, edfi_conn_id: str) -> CampusReader:
    target = {"district_number": district, "scope_year": year}
    target |= {"campus_conn_id": campus_conn_id, "edfi_conn_id": edfi_conn_id}
    settings = Settings.model_validate({"version": 1, "targets": [target]})
    return campus_of(settings, settings.targets[0])


def _district(given: str | None, campus: CampusReader, ask: _Asking) -> str:
    """The district that was named, if Campus has it; its only one; or the one that a person names."""
    numbers = campus.district_numbers()
    if not numbers:
        raise EdfiCteError("Campus has no district with a State District Number. Look at campus_mapping.sql.")
    chosen = given or (numbers[0] if len(numbers) == 1 else ask(f"District ({', '.join(numbers)})", numbers[0]))
    if chosen not in numbers:
        raise EdfiCteError(
            f"Campus has no district {chosen}.{did_you_mean(chosen, numbers)} It has: {', '.join(numbers)}"
        )
    return chosen


def _year(text: str) -> int:
    try:
        return scope_year(text)
    except argparse.ArgumentTypeError as error:
        raise EdfiCteError(str(error)) from None


def _this_school_year() -> int:
    today = datetime.now(UTC)
    return today.year + (today.month >= 7)


class _Asking:
    """Asks a person, who may take what is proposed by an empty line."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def __call__(self, question: str, proposed: str) -> str:
        if self._quiet:
            return proposed
        try:
            return input(f"{question} [{proposed}]: ").strip() or proposed
        except EOFError:
            sys.stdout.write("\n")
            raise EdfiCteError(f"nobody answers ('{question}'). Give it as an option, or --yes.") from None
