"""The ODS: reachable, ours, and holding what the records refer to."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from edfi_cte.ods import ApiInfo, EdFiClient, EdFiConfig, EdFiError
from edfi_cte.ods.errors import AuthorizationDenied, NoAnswer, NotFound, RateLimited, ServerFault, ValidationFailed
from edfi_cte.ods.values import descriptor_uri
from edfi_cte.sync.checks.addresses import check_address
from edfi_cte.sync.checks.findings import Finding, Level, error, label, ok, warning, would_fail
from edfi_cte.sync.lane import RESOURCE, Lane

DEFAULT_DATA_STANDARD = (3, 3)
"""Taken where the ODS does not say: the documents we send are the same from Data Standard 3.3 to 4.0."""

_YEAR_IN_PATH = re.compile(r"/(?:20\d\d-)?(20[1-9]\d)(?=/|\Z)")
"""A part of an address that is plainly a school year: 2026, or 2025-2026."""


async def check_ods(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    """The ODS: reachable, token granted, education organization ours, descriptors and programs there."""
    try:
        info = await client.discover()
        major, minor = data_standard_of(info)
        yield ok("ODS", f"ODS/API {info.version or 'of unknown version'}, Data Standard {major}.{minor}")
        for finding in (*_school_year(lane, client.config, info), *check_address(lane, info.data_url)):
            yield finding
        async for finding in _education_organization(lane, client):
            yield finding
        yield await _rights(client)
        async for finding in _descriptors(lane, client):
            yield finding
    except EdFiError as fault:
        message = f"connection '{lane.target.edfi_conn_id}': {fault}"
        yield Finding(Level.ERROR, "ODS", message, transient=isinstance(fault, NoAnswer | ServerFault | RateLimited))


def data_standard_of(info: ApiInfo) -> tuple[int, int]:
    """The target's data standard as (major, minor)."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})", info.data_standard)
    return (int(match[1]), int(match[2])) if match else DEFAULT_DATA_STANDARD


def _school_year(lane: Lane, config: EdFiConfig, info: ApiInfo) -> Iterator[Finding]:
    """The school year that the connection or the address names is the target's."""
    named = {int(year) for year in _YEAR_IN_PATH.findall(urlsplit(info.data_url).path)}
    if config.school_year:
        named.add(config.school_year)
    for year in sorted(named - {lane.target.scope_year}):
        yield error(
            "school year",
            f"connection '{lane.target.edfi_conn_id}' is for {year}, and the target's scope year is "
            f"{lane.target.scope_year}. Correct the connection's host or school_year, or name the connection of "
            f"{lane.target.scope_year}'s ODS in the settings.",
        )


async def _education_organization(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    edorg_id = lane.target.edorg_id
    subject = "education organization"
    try:
        granted = (await client.token_info()).education_organization_ids
    except (AuthorizationDenied, NotFound, ValidationFailed) as fault:
        granted = ()
        yield warning(subject, f"the ODS does not say what the token is for: {fault.message}")
    if granted and edorg_id not in granted:
        shown = ", ".join(str(item) for item in sorted(granted)[:5])
        yield error(
            subject,
            f"the key of connection '{lane.target.edfi_conn_id}' is for {shown}, not for {edorg_id}. Use the key "
            "that the state gave for this district, or correct district_number or education_organization_id.",
        )
        return
    try:
        found = await client.find("localEducationAgencies", {"localEducationAgencyId": edorg_id})
    except AuthorizationDenied:
        yield warning(
            subject,
            f"not checked that {edorg_id} is in the ODS: the key may not read localEducationAgencies",
        )
        return
    if found:
        yield ok(subject, f"{edorg_id} is in the ODS")
    else:
        yield error(subject, f"the ODS has no local education agency {edorg_id}. Ask the state to load it.")


async def _rights(client: EdFiClient) -> Finding:
    """What the key may do is in no answer of every ODS; that it may read the associations is seen by asking."""
    try:
        count = await client.total_count(RESOURCE)
    except AuthorizationDenied as fault:
        return error("rights", f"the key may not read {RESOURCE}: {fault}")
    return ok("rights", f"the key may read {RESOURCE}: it sees {count:,}")


async def _descriptors(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    """A missing program type stops every record; a missing cluster only those that use it."""
    preferences = lane.preferences
    program_types = await _uris(client, "programTypeDescriptors")
    if preferences.program_type_descriptor.casefold() not in program_types:
        yield error(
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
        return ok("descriptors", f"{setting}: each of the {len(wanted)} mapped is in the ODS")
    codes = ", ".join(sorted(lacking, key=lambda code: (len(code), code)))
    report = error if setting == "career_cluster" and len(lacking) == len(wanted) else would_fail
    advice = "career_cluster.namespace or career_cluster.mapping" if setting == "career_cluster" else setting
    found = report(
        "descriptors",
        f"the ODS has no descriptor for {label(setting)} {codes} (such as '{next(iter(lacking.values()))}'); "
        f"records that use one fail. Set {advice} to what it has: {_nearest(known)}",
    )
    return replace(found, lacking=tuple(lacking.values()))


async def _uris(client: EdFiClient, resource: str) -> dict[str, str]:
    """The descriptors of a collection by folded URI."""
    uris = [descriptor_uri(document) async for document in client.iterate(resource)]
    return {uri.casefold(): uri for uri in uris if uri}


def _nearest(uris: Mapping[str, str]) -> str:
    shown = sorted(uris.values(), key=lambda uri: ("Career" not in uri, uri))[:3]
    return ", ".join(f"'{uri}'" for uri in shown) + (" …" if len(uris) > len(shown) else "") or "none at all"
