"""What must be right before a target is touched: the findings of preflight and of ``edfi-cte check``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from edfi_cte.associations.model import EnrollmentRecord
from edfi_cte.associations.transform import EARLIEST_START, Rejected, Transform
from edfi_cte.campus import CampusError, CodeUsage
from edfi_cte.ledger import bulk, mappings, runs
from edfi_cte.ods import ApiInfo, EdFiClient, EdFiConfig, EdFiError
from edfi_cte.ods.errors import AuthorizationDenied, NoAnswer, NotFound, RateLimited, ServerFault, ValidationFailed
from edfi_cte.settings import UNLISTED_CAREER_CLUSTERS, SettingsError
from edfi_cte.sync.lane import RESOURCE, Lane
from edfi_cte.sync.programs import ADVICE, known_programs, lacking

DEFAULT_DATA_STANDARD = (3, 3)
"""Taken where the ODS does not say: the documents we send are the same from Data Standard 3.3 to 4.0."""


CLOCK_SKEW_SECONDS = 60

_YEAR_IN_PATH = re.compile(r"/(?:20\d\d-)?(20[1-9]\d)(?=/|\Z)")
"""A part of an address that is plainly a school year: 2026, or 2025-2026."""


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
    old_target, sent = other if own == edorg_id and other else (lane.target_id, own)
    if sent != edorg_id:
        yield _error(
            "education organization",
            f"records of {sent} were sent for this year, and the settings now name {edorg_id}. A district number "
            "can't change after data has been sent, and nothing was done. Put the old number back, or have the state "
            f"clear {sent}'s records, then run in the ledger's database: {_forget(old_target)}",
        )


def _forget(target_id: str) -> str:
    """The statement after which the ledger takes none of a target's records to be in the ODS."""
    return f"DELETE FROM edfi_cte_identity_mapping WHERE target_id = '{target_id}';"


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
    for field, items in groupby(used, key=lambda item: item.field):
        counted = ", ".join(
            f"{item.code} {item.name or '(not in the code list)'}: {item.records:,}" for item in items
        )
        yield _ok("Campus codes", f"{_label(field)}, with the records that use it: {counted}")
    unmapped = [(item, rejection) for item in used if (rejection := _rejection(lane, item))]
    for item, rejection in unmapped:
        yield _warning(
            "Campus codes",
            f"{_label(item.field)} '{item.code}': {_records(item.records)} will be rejected as {rejection.reason}"
            f"{_ONLY_THERE.get(item.field, '')}. {rejection.reason.advice}",
        )
    if not unmapped:
        yield _ok("Campus codes", "the preferences cover every code in use")


_LABELS = {"career_cluster": "Career Cluster", "cte_program_type": "CTE Program Type"}
_ONLY_THERE = dict.fromkeys(
    ("career_pathway", "student_status"), " by an ODS that takes ctePrograms (up to Data Standard 4.0)"
)


def _label(field: str) -> str:
    return _LABELS.get(field, field)


def _records(number: int) -> str:
    return f"{number:,} record" if number == 1 else f"{number:,} records"


def _rejection(lane: Lane, usage: CodeUsage) -> Rejected | None:
    """Why a record would be rejected that is right but for this code."""
    clusters = lane.preferences.career_cluster.uris()
    values: dict[str, Any] = {"career_cluster": next(iter(clusters)), usage.field: usage.code}
    if usage.field == "cte_program_type":
        values["cte_program_type_name"] = usage.name
    transform = Transform(lane.preferences, lane.target.edorg_id, DEFAULT_DATA_STANDARD)
    try:
        transform.association(replace(_FLAWLESS, **values))
    except Rejected as rejection:
        return rejection
    return None


_FLAWLESS = EnrollmentRecord(
    enrollment_id=0,
    student_unique_id="0",
    start_date=EARLIEST_START,
    end_date=None,
    service_type=None,
    cte_program_type="0",
    cte_program_type_name="0",
    career_cluster=None,
    career_pathway=None,
    student_status=None,
    certification_status=None,
    excluded_by=None,
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
            f"{lacking(name, known)}, and {_records(records)} would refer to it. "
            + ("It will be created." if lane.preferences.create_missing_programs else ADVICE),
        )
    if not missing:
        yield _ok("programs", f"in the ODS is each one referred to: {', '.join(sorted(wanted)) or 'none'}")


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
        yield Finding(Level.ERROR, "Campus", str(error), transient=error.transient)


async def check_ods(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    """The ODS: reachable, token granted, education organization ours, descriptors and programs there."""
    try:
        info = await client.discover()
        major, minor = data_standard_of(info)
        yield _ok("ODS", f"ODS/API {info.version or 'of unknown version'}, Data Standard {major}.{minor}")
        for finding in (*_school_year(lane, client.config, info), *_shared_ods(lane, info)):
            yield finding
        async for finding in _education_organization(lane, client):
            yield finding
        yield await _rights(client)
        async for finding in _descriptors(lane, client):
            yield finding
    except EdFiError as error:
        message = f"connection '{lane.target.edfi_conn_id}': {error}"
        yield Finding(Level.ERROR, "ODS", message, transient=isinstance(error, NoAnswer | ServerFault | RateLimited))


def data_standard_of(info: ApiInfo) -> tuple[int, int]:
    """The target's data standard as (major, minor)."""
    match = re.match(r"(\d+)\.(\d+)", info.data_standard or "")
    return (int(match[1]), int(match[2])) if match else DEFAULT_DATA_STANDARD


def _school_year(lane: Lane, config: EdFiConfig, info: ApiInfo) -> Iterator[Finding]:
    """The school year that the connection or the address names is the target's."""
    named = {int(year) for year in _YEAR_IN_PATH.findall(urlsplit(info.data_url).path)}
    if config.school_year:
        named.add(config.school_year)
    for year in sorted(named - {lane.target.scope_year}):
        yield _error(
            "school year",
            f"connection '{lane.target.edfi_conn_id}' is for {year}, and the target's scope year is "
            f"{lane.target.scope_year}. Correct the connection's host or school_year, or name the connection of "
            f"{lane.target.scope_year}'s ODS in the settings.",
        )


def _shared_ods(lane: Lane, info: ApiInfo) -> Iterator[Finding]:
    """Two targets in one ODS would take each other's records for records without a source, and delete them."""
    with lane.ledger.connect() as connection:
        other = runs.other_target_at(
            connection, lane.target_id, data_url=info.data_url, edorg_id=lane.target.edorg_id
        )
    if other:
        yield _error(
            "ODS",
            f"connection '{lane.target.edfi_conn_id}' leads to {info.data_url}, where {other}'s records of the same "
            f"education organization are. Give it the address of {lane.target.scope_year}'s own ODS. If the state "
            f"has emptied this one for {lane.target.scope_year}, remove the target {other} from the settings and run "
            f"in the ledger's database: {_forget(other)}",
        )


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


async def _rights(client: EdFiClient) -> Finding:
    """What the key may do is in no answer of every ODS; that it may read the associations is seen by asking."""
    try:
        count = await client.total_count(RESOURCE)
    except AuthorizationDenied as error:
        return _error("rights", f"the key may not read {RESOURCE}: {error}")
    return _ok("rights", f"the key may read {RESOURCE}: it sees {count:,}")


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
    mapped: dict[str, tuple[str, Mapping[str, str | None]]] = {
        "career_cluster": ("cteProgramServiceDescriptors", preferences.career_cluster.uris()),
        "career_pathway": ("careerPathwayDescriptors", preferences.career_pathway),
        "certification_status": (
            "technicalSkillsAssessmentDescriptors",
            preferences.certification_status.model_dump(),
        ),
    }
    for setting, (resource, uris) in mapped.items():
        wanted = {code: uri for code, uri in uris.items() if uri}
        if wanted:
            yield _mapping_of(setting, wanted, await _uris(client, resource))


def _mapping_of(setting: str, wanted: Mapping[str, str], known: Mapping[str, str]) -> Finding:
    """The descriptors that a mapping of the resource preferences names, against those of the ODS."""
    lacking = {code: uri for code, uri in wanted.items() if uri.casefold() not in known}
    if not lacking:
        return _ok("descriptors", f"{setting}: each of the {len(wanted)} mapped is in the ODS")
    codes = ", ".join(sorted(lacking, key=lambda code: (len(code), code)))
    report = _error if setting == "career_cluster" and len(lacking) == len(wanted) else _warning
    advice = "career_cluster.namespace or career_cluster.mapping" if setting == "career_cluster" else setting
    return report(
        "descriptors",
        f"the ODS has no descriptor for {_label(setting)} {codes} (such as '{next(iter(lacking.values()))}'); "
        f"records that use one fail. Set {advice} to what it has: {_nearest(known)}",
    )


async def _uris(client: EdFiClient, resource: str) -> dict[str, str]:
    """The descriptors of a collection by folded URI."""
    uris = [_uri(document) async for document in client.iterate(resource)]
    return {uri.casefold(): uri for uri in uris}


def _uri(document: Mapping[str, Any]) -> str:
    return f"{document['namespace']}#{document['codeValue']}"


def _nearest(uris: Mapping[str, str]) -> str:
    shown = sorted(uris.values(), key=lambda uri: ("Career" not in uri, uri))[:3]
    return ", ".join(f"'{uri}'" for uri in shown) + (" …" if len(uris) > len(shown) else "") or "none at all"
