"""What must be right before a target is touched: the findings of preflight and of ``edfi-cte check``, by system."""

from edfi_cte.sync.checks.campus import check_campus, check_campus_server, check_usage
from edfi_cte.sync.checks.findings import Finding, Level
from edfi_cte.sync.checks.ledger import check_ledger, check_ledger_rights
from edfi_cte.sync.checks.ods import check_ods, data_standard_of
from edfi_cte.sync.checks.programs import check_clock, check_programs
from edfi_cte.sync.checks.settings import check_settings, check_tokens

__all__ = [
    "Finding",
    "Level",
    "check_campus",
    "check_campus_server",
    "check_clock",
    "check_ledger",
    "check_ledger_rights",
    "check_ods",
    "check_programs",
    "check_settings",
    "check_tokens",
    "check_usage",
    "data_standard_of",
]
