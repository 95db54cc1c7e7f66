"""preflight: nothing of a target is touched before everything it needs has been seen to be there."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from edfi_cte.ledger import runs
from edfi_cte.lines import say
from edfi_cte.ods import EdFiClient
from edfi_cte.sync.checks import (
    Finding,
    Level,
    check_campus,
    check_ledger,
    check_ods,
    check_settings,
    check_tokens,
    data_standard_of,
)
from edfi_cte.sync.checks.addresses import claim_address
from edfi_cte.sync.lane import Lane, StepFailed

log = logging.getLogger(__name__)


def preflight(lane: Lane) -> dict[str, Any]:
    """Check the target; on success the ledger knows its data standard and address. Counts: warnings; and
    the descriptors that the preferences name and the ODS lacks.

    Raises StepFailed that names each thing that is wrong and what to do.
    """
    findings = [*check_settings(lane), *check_tokens(lane), *check_ledger(lane), *check_campus(lane)]
    if not _errors(findings):
        findings += asyncio.run(_ods(lane, lane.open_ods()))
    for finding in findings:
        say(log, logging.INFO if finding.level == Level.OK else logging.WARNING, f"{lane.target_id}: {finding}")
    if errors := _errors(findings):
        raise StepFailed(
            "\n".join(f"{lane.target_id}: {finding}" for finding in errors),
            transient=all(finding.transient for finding in errors),
        )
    return {
        "warnings": sum(finding.level in (Level.WARNING, Level.WOULD_FAIL) for finding in findings),
        "lacking": [uri for finding in findings for uri in finding.lacking],
    }


def _errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == Level.ERROR]


async def _ods(lane: Lane, client: EdFiClient) -> list[Finding]:
    async with client:
        findings = [finding async for finding in check_ods(lane, client)]
        if not _errors(findings):
            info = await client.discover()
            major, minor = data_standard_of(info)
            with lane.writing() as connection:
                if taken := claim_address(connection, lane, info.data_url):
                    return [*findings, taken]
                runs.settle_on(connection, lane.target_id, lane.run_id, lane.settings_digest)
                runs.describe(
                    connection,
                    lane.target_id,
                    data_standard=f"{major}.{minor}",
                    data_url=info.data_url,
                    edfi_conn_id=lane.target.edfi_conn_id,
                    education_organization_id=lane.target.edorg_id,
                )
    return findings
