"""What must be right before a target is touched: the findings of preflight and of ``edfi-cte check``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from edfi_cte.campus import CampusError, CampusUnreachable, CodeUsage
from edfi_cte.ledger import bulk, mappings, runs
from edfi_cte.ods import ApiInfo, EdFiClient, EdFiError
from edfi_cte.ods.errors import AuthorizationDenied, NoAnswer, NotFound, RateLimited, ServerFault, ValidationFailed
from edfi_cte.settings import UNLISTED_CAREER_CLUSTERS, SettingsError
from edfi_cte.sync.lane import Lane
from edfi_cte.sync.programs import ADVICE, known_programs, lacking

DEFAULT_DATA_STANDARD = (3, 3)
"""Taken where the ODS does not say: the documents we send are the same from Data Standard 3.3 to 4.0."""


CLOCK_SKEW_SECONDS = 60


class Level(StrEnum):
    """An error stops the target; a warning is worth a look."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check: what was looked at, what was found, what to do."""

    level: Level
    subject: str
    message: str
    transient: bool = False
    """Whether trying again later may help, with nothing changed."""

    def __str__(self) -> str:
        return f"{self.subject}: {self.message}"


def _ok(subject: str, message: str) -> Finding:
    return Finding(Level.OK, subject, message)


def _warning(subject: str, message: str) -> Finding:
    return Finding(Level.WARNING, subject, message)


def _error(subject: str, message: str) -> Finding:
    return Finding(Level.ERROR, subject, message)


def check_settings(lane: Lane) -> Iterator[Finding]:
    """The target's resource preferences."""
    try:
        preferences = lane.preferences
    except SettingsError as error:
        yield _error("settings", str(error))
        return
    yield _ok("settings", f"preferences '{lane.target.preferences}' are valid")
    defaults = UNLISTED_CAREER_CLUSTERS - preferences.career_cluster.mapping.keys()
    if defaults:
        yield _ok(
            "settings",
            f"Career Cluster {', '.join(sorted(defaults))} is sent by a default that the published list lacks; "
            "confirm it with the state, or map it",
        )


def check_ledger(lane: Lane) -> Iterator[Finding]:
    """The education organization that this target's records were sent for (page: LEA Reference; reading O)."""
    edorg_id = lane.target.edorg_id
    with lane.ledger.connect() as connection:
        row = runs.get_target(connection, lane.target_id)
        own = row.education_organization_id if row and mappings.count(connection, lane.target_id) else edorg_id
        other = runs.other_education_organization(
            connection,
            edfi_conn_id=lane.target.edfi_conn_id,
            scope_year=lane.target.scope_year,
            edorg_id=edorg_id,
        )
    sent = other if own == edorg_id else own
    if sent not in (None, edorg_id):
        yield _error(
            "education organization",
            f"records of {sent} were sent for this year, and the settings now name {edorg_id}. A district number "
            "can't change after data has been sent, and nothing was done. Put the old number back, or have the state "
            f"clear {sent}'s records and delete the old target's rows from the ledger.",
        )


def check_ledger_rights(lane: Lane) -> Iterator[Finding]:
    """The ledger's login may write, and its server's clock is ours: leases are times."""
    with lane.ledger.connect() as connection:
        skew = abs((runs.server_time(connection) - bulk.now()).total_seconds())
        try:
            runs.try_write(connection)
        except sa.exc.SQLAlchemyError as error:
            yield _error(
                "ledger", f"its login may not write: {type(error).__name__}. Grant it INSERT, UPDATE, DELETE."
            )
            return
    if skew > CLOCK_SKEW_SECONDS:
        yield _warning("ledger", f"its server's clock is {skew:.0f} s off this machine's; set both by NTP")
    else:
        yield _ok("ledger", f"{lane.ledger.dialect.name}, readable and writable")


def check_usage(lane: Lane) -> Iterator[Finding]:
    """The codes that the scope year's records use, against the resource preferences. Reads Campus once more."""
    try:
        usage = lane.open_campus().code_usage(lane.target.scope_year)
    except CampusError as error:
        yield _error("Campus codes", str(error))
        return
    used = [item for item in usage if item.records]
    clusters = lane.preferences.career_cluster.uris()
    unmapped = [
        item
        for item in used
        if item.field == "career_cluster" and not {item.code, item.code.lstrip("0")} & clusters.keys()
    ]
    nameless = [item for item in used if item.field == "cte_program_type" and not _program_name(lane, item)]
    for what, items in (("Career Cluster", unmapped), ("CTE Program Type without a name", nameless)):
        for item in items:
            yield _warning(
                "Campus codes",
                f"{what} '{item.code}': {item.records} records will be rejected. Map the code in the preferences, or "
                "correct it in Campus.",
            )
    if not unmapped and not nameless:
        fields = sorted({item.field for item in used})
        yield _ok(
            "Campus codes", f"{len(used)} codes of {', '.join(fields) or 'no field'} are in use, each of them mapped"
        )


async def check_programs(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    """The programs that the scope year's records will refer to, against those of the ODS."""
    usage = lane.open_campus().code_usage(lane.target.scope_year)
    wanted: Counter[str] = Counter()
    for item in usage:
        if item.field == "cte_program_type" and item.records and (name := _program_name(lane, item)):
            wanted[name] += item.records
    try:
        known = await known_programs(lane, client)
    except EdFiError as error:
        yield _warning("programs", f"the ODS's programs can't be read: {error}")
        return
    missing = {name: n for name, n in wanted.items() if name not in known}
    for name, records in sorted(missing.items()):
        report = _ok if lane.preferences.create_missing_programs else _warning
        yield report(
            "programs",
            f"{lacking(name, known)}, and {records} records refer to it. "
            + ("It will be created." if lane.preferences.create_missing_programs else ADVICE),
        )
    if not missing:
        yield _ok("programs", f"{len(wanted)} programs are referred to, and all are in the ODS")


def _program_name(lane: Lane, usage: CodeUsage) -> str | None:
    preference = lane.preferences.program_name
    return preference.mapping.get(usage.code, usage.code if preference.source == "code" else usage.name)


async def check_clock(client: EdFiClient) -> AsyncIterator[Finding]:
    """The ODS's clock against ours: tokens expire by the one and are refreshed by the other."""
    try:
        answer = await client.send("GET", "ed-fi/programs", parameters={"limit": 1})
        date = parsedate_to_datetime(answer.headers["Date"])
    except (EdFiError, KeyError, ValueError):
        return
    skew = abs((date - datetime.now(UTC)).total_seconds())
    if skew > CLOCK_SKEW_SECONDS:
        yield _warning("clock", f"the ODS's clock is {skew:.0f} s off this machine's; set this one by NTP")
    else:
        yield _ok("clock", "the ODS's and this machine's agree")


def check_campus(lane: Lane) -> Iterator[Finding]:
    """The Campus database: reachable, its columns as the mapping template names them, the district there."""
    try:
        campus = lane.open_campus()
        missing = campus.missing_columns()
        yield from (_error("Campus columns", str(column)) for column in missing)
        if missing:
            return
        yield _ok("Campus columns", "every column that the mapping template names is there")
        numbers = campus.district_numbers()
        if lane.target.district_number not in numbers:
            yield _error(
                "district",
                f"Campus has no district {lane.target.district_number}; it has: {', '.join(numbers) or 'none'}. "
                "Correct district_number in the settings, or the Campus connection. A district number can't change "
                "after data has been sent.",
            )
            return
        year = campus.school_year(lane.target.scope_year)
        yield _ok("district", f"{lane.target.district_number}, school year {year.start_date} to {year.end_date}")
    except CampusError as error:
        yield Finding(Level.ERROR, "Campus", str(error), transient=isinstance(error, CampusUnreachable))


async def check_ods(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    """The ODS: reachable, token granted, education organization ours, descriptors and programs there."""
    try:
        info = await client.discover()
        major, minor = data_standard_of(info)
        yield _ok("ODS", f"ODS/API {info.version or 'of unknown version'}, Data Standard {major}.{minor}")
        async for finding in _education_organization(lane, client):
            yield finding
        async for finding in _descriptors(lane, client):
            yield finding
    except EdFiError as error:
        message = f"connection '{lane.target.edfi_conn_id}': {error}"
        yield Finding(Level.ERROR, "ODS", message, transient=isinstance(error, NoAnswer | ServerFault | RateLimited))


def data_standard_of(info: ApiInfo) -> tuple[int, int]:
    """The target's data standard as (major, minor)."""
    match = re.match(r"(\d+)\.(\d+)", info.data_standard or "")
    return (int(match[1]), int(match[2])) if match else DEFAULT_DATA_STANDARD


async def _education_organization(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    edorg_id = lane.target.edorg_id
    subject = "education organization"
    try:
        granted = (await client.token_info()).education_organization_ids
    except (AuthorizationDenied, NotFound, ValidationFailed) as error:
        granted = ()
        yield _warning(subject, f"the ODS does not say what the token is for: {error.message}")
    if granted and edorg_id not in granted:
        shown = ", ".join(str(item) for item in sorted(granted)[:5])
        yield _error(
            subject,
            f"the key of connection '{lane.target.edfi_conn_id}' is for {shown}, not for {edorg_id}. Use the key "
            "that the state gave for this district, or correct district_number or education_organization_id.",
        )
        return
    try:
        found = await client.find("localEducationAgencies", {"localEducationAgencyId": edorg_id})
    except AuthorizationDenied:
        yield _warning(subject, f"the key may not read localEducationAgencies, so {edorg_id} is taken on trust")
        return
    if found:
        yield _ok(subject, f"{edorg_id} is in the ODS")
    else:
        yield _error(subject, f"the ODS has no local education agency {edorg_id}. Ask the state to load it.")


async def _descriptors(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    """A missing program type stops every record; a missing cluster only those that use it."""
    preferences = lane.preferences
    program_types = await _uris(client, "programTypeDescriptors")
    if preferences.program_type_descriptor.casefold() not in program_types:
        yield _error(
            "descriptors",
            f"the ODS has no program type '{preferences.program_type_descriptor}'. Set program_type_descriptor to "
            f"one it has: {_nearest(program_types)}",
        )
    clusters = await _uris(client, "cteProgramServiceDescriptors")
    mapped = preferences.career_cluster.uris()
    lacking = {code: uri for code, uri in mapped.items() if uri.casefold() not in clusters}
    if lacking:
        codes = ", ".join(sorted(lacking, key=lambda code: (len(code), code)))
        report = _error if len(lacking) == len(mapped) else _warning
        yield report(
            "descriptors",
            f"the ODS has no descriptor for Career Cluster {codes} (such as '{next(iter(lacking.values()))}'); "
            "records that use one fail. Set career_cluster.namespace or career_cluster.mapping to what it has: "
            f"{_nearest(clusters)}",
        )
    else:
        yield _ok("descriptors", f"program type and {len(mapped)} career clusters are in the ODS")


async def _uris(client: EdFiClient, resource: str) -> dict[str, str]:
    """The descriptors of a collection by folded URI."""
    uris = [_uri(document) async for document in client.iterate(resource)]
    return {uri.casefold(): uri for uri in uris}


def _uri(document: Mapping[str, Any]) -> str:
    return f"{document['namespace']}#{document['codeValue']}"


def _nearest(uris: Mapping[str, str]) -> str:
    shown = sorted(uris.values(), key=lambda uri: ("Career" not in uri, uri))[:3]
    return ", ".join(f"'{uri}'" for uri in shown) + (" …" if len(uris) > len(shown) else "") or "none at all"
