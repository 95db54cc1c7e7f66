"""The ODS's programs and its clock, for ``edfi-cte check``."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from edfi_cte.campus import CampusError, CodeUsage
from edfi_cte.ods import EdFiClient, EdFiError
from edfi_cte.ods.errors import AuthorizationDenied
from edfi_cte.sync.checks.findings import Finding, error, ok, records, warning, would_fail
from edfi_cte.sync.checks.ledger import CLOCK_SKEW_SECONDS
from edfi_cte.sync.lane import Lane
from edfi_cte.sync.programs import ADVICE, ON_TRUST, known_programs, lacking


async def check_programs(lane: Lane, client: EdFiClient) -> AsyncIterator[Finding]:
    """The programs that the scope year's records will refer to, against those of the ODS."""
    try:
        usage = lane.open_campus().code_usage(lane.target.scope_year)
    except CampusError:
        return  # said by check_usage
    wanted: Counter[str] = Counter()
    for item in usage:
        if item.field == "cte_program_type" and item.records and (name := _program_name(lane, item)):
            wanted[name] += item.records
    try:
        known = await known_programs(lane, client)
    except AuthorizationDenied:
        yield warning("programs", ON_TRUST)
        return
    except EdFiError as fault:
        yield error("programs", f"reading the ODS's programs failed, and a run would stop: {fault}")
        return
    missing = {name: n for name, n in wanted.items() if name not in known}
    for name, number in sorted(missing.items()):
        report = ok if lane.preferences.create_missing_programs else would_fail
        yield report(
            "programs",
            f"{lacking(name, known)}, and {records(number)} would refer to it. "
            + ("It will be created." if lane.preferences.create_missing_programs else ADVICE),
        )
    if not missing:
        yield ok("programs", f"in the ODS is each one referred to: {', '.join(sorted(wanted)) or 'none'}")


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
    # "-0000" says UTC and leaves the zone out (RFC 5322, section 3.3).
    skew = abs((date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    if skew > CLOCK_SKEW_SECONDS:
        yield warning("clock", f"the ODS's clock is {skew:.0f} s off this machine's; set this one by NTP")
    else:
        yield ok("clock", "the ODS's and this machine's agree")
