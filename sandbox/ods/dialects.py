"""The API generations that the sandbox can speak, as ONE table of differences.

Every place where an ODS/API version or the Data Management Service behaves differently asks a field of `Dialect`;
nothing else in the sandbox knows version numbers. The defaults are ODS/API 7.3; each other row states what differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sandbox.ods.properties import DataStandard
from sandbox.ods.wording import Wording
from sandbox.ods.wording_dms import PROBLEMS_DMS
from sandbox.ods.wording_problems import PROBLEMS_7_3
from sandbox.ods.wording_text import MESSAGES_5_3, MESSAGES_6_2, MESSAGES_7_1


@dataclass(frozen=True, slots=True)
class TokenAnswers:
    """Status and OAuth error (None: an empty body) of each way a token request fails (`TokenController`)."""

    wrong_secret: tuple[int, str | None] = (401, "invalid_client")
    no_credentials: tuple[int, str | None] = (401, "invalid_request")
    malformed_header: tuple[int, str | None] = (400, "invalid_request")
    other_scheme: tuple[int, str | None] = (401, "invalid_client")
    both_places: tuple[int, str | None] = (400, "invalid_client")
    wrong_grant: tuple[int, str | None] = (400, "unsupported_grant_type")


Denials = Literal["segments", "not found", "either", "hint", "required element"]


@dataclass(frozen=True, eq=False, slots=True)
class Dialect:
    """What differs between API generations."""

    name: str
    version: str
    data_standard: DataStandard
    data_standard_version: str
    wording: Wording
    # where things are
    data_path: str = "/data/v3"
    year_before_api: bool = True
    """School year and tenant come before `/data/v3` (7.0+, DMS), or the year after it (up to 6.x)."""
    # the root document
    api_mode: bool = False
    application_name: str = ""
    urls: tuple[str, ...] = (
        "dependencies",
        "openApiMetadata",
        "oauth",
        "oauthTokenIntrospection",
        "dataManagementApi",
        "xsdMetadata",
        "changeQueries",
    )
    # tokens
    token: TokenAnswers = TokenAnswers()
    token_type: str = "bearer"  # noqa: S105
    token_limit: int | None = 15
    """Live tokens per client (`BearerTokenPerClientLimit`, 7.3+)."""
    token_checks_media_type: bool = True
    token_problem_details: bool = False
    """The token endpoint says no in problem details (DMS), or in OAuth's own form."""
    token_info_has_claims: bool = True
    # documents
    last_modified_date: bool = True
    empty_collections: bool = True
    """GET writes empty collections as `[]`; the Data Management Service drops them."""
    exact_names: bool = False
    """Property names are case-sensitive (Data Management Service)."""
    dashed_ids: bool = False
    opaque_etags: bool = False
    """Etags look like the Data Management Service's; otherwise like a binary date of .NET."""
    # requests
    correlation_header: str = "correlation-id"
    correlation_parameter: bool = True
    """`correlationId` in a query names the correlation id where no header does (ODS/API 7.1+)."""
    duplicate_properties: Literal["last one", "refused"] = "last one"
    two_validations: bool = False
    """Up to 7.1 the resource is looked at before authorization (doubled items; references, from 7.0 on), and the
    entity that it becomes after it (required properties, lengths, texts). From 7.2 on the resource says it all."""
    denials: Denials = "hint"
    """How a missing relationship is explained (see `denials`)."""
    absent_person: Literal["unresolved", "not found", "reference"] = "reference"
    """An enrollment's student that isn't there: a failed validation (up to 6.x), a conflict of its own (7.0, 7.1), or
    an unresolved reference as any other."""
    names_base_of_dependents: bool = True
    """Dependents are named by the table that holds the reference (ODS), or by their resource (DMS)."""
    all_references: bool = False
    """All unresolved references in one answer (DMS), or the first one."""
    descriptors: Literal["alone", "invalid", "with references"] = "invalid"
    """An unknown descriptor is an answer of its own (up to 7.1), one of the validation errors (7.2+), or comes with
    the unresolved references (DMS)."""
    partial_references: Literal["refused", "ignored"] = "refused"
    missing_references: Literal["by reference", "by column"] = "by reference"
    """A required reference that isn't there is named as such, or by the entity's columns (up to 6.x)."""
    renames_people: bool = False
    """A PUT may give a student another studentUniqueId: up to 6.x it is no part of the entity's key."""
    claims_before_look_up: bool = False
    """The claim set is asked before an item is looked up (DMS)."""
    empty_put: Literal["request", "validation"] = "request"
    """A PUT without a body is refused as a request, or as a document (7.2+)."""
    key_change: Literal["refused", "ignored"] = "refused"
    """PUT with another natural key: 400 (7.0+), or 204 with the key kept (up to 6.x)."""
    id_in_put_body: Literal["ignored", "required"] = "ignored"
    malformed_id_on_read: Literal["unknown route", "refused"] = "unknown route"
    if_none_match: Literal["raw", "standard"] = "raw"
    """The raw header is compared with the unquoted etag (ODS), or by the HTTP rules (DMS)."""
    any_etag: bool = False
    """`*` means something in If-Match and If-None-Match, and writes heed the latter, too (DMS)."""
    # collections
    strict_queries: bool = False
    """A query parameter must be one that the resource has, and all that are wrong are told (DMS)."""
    default_limit: int = 500
    limit_message: str = "Limit must be a value between 0 and 500."
    order: Literal["insertion", "key"] = "insertion"
    cursor_paging: bool = True
    unknown_descriptor_filter: Literal["empty", "refused"] = "empty"
    # change queries
    change_version_names: tuple[str, str] = ("oldestChangeVersion", "newestChangeVersion")
    deletes: Literal["full", "useless"] = "full"
    """v5.x lists no deletes of derived resources and no key values (ODS-4087)."""
    key_changes: bool = True
    read_changes_action: bool = True
    """Change endpoints need the ReadChanges action (v5.3-cqe, 6.0+)."""
    snapshot_header: str = "use-snapshot"
    dependencies_list_updates: bool = True
    """Dependencies name Create and Update apart (6.0+), or Create only (v5.x)."""


_ODS_7_3 = Dialect(
    "7.3", "7.3", (5, 2), "5.2.0", PROBLEMS_7_3, application_name="Ed-Fi ODS/API", empty_put="validation"
)
_ODS_7_1 = replace(
    _ODS_7_3,
    name="7.1",
    version="7.1",
    data_standard=(5, 0),
    data_standard_version="5.0.0",
    wording=MESSAGES_7_1,
    application_name="",
    urls=(
        "dependencies",
        "openApiMetadata",
        "oauth",
        "dataManagementApi",
        "xsdMetadata",
        "changeQueries",
    ),
    token_limit=None,
    token_info_has_claims=False,
    two_validations=True,
    empty_put="request",
    denials="either",
    absent_person="not found",
    descriptors="alone",
    limit_message="Limit must be omitted or set to a value between 0 and 500.",
    order="key",
    cursor_paging=False,
    unknown_descriptor_filter="refused",
)
_LIMIT_TO_6 = (
    "Limit must be omitted or set to a value between 1 and max value defined in configuration file "
    "(defaultPageSizeLimit)."
)
_ODS_6_2 = replace(
    _ODS_7_1,
    name="6.2",
    version="6.2",
    data_standard=(4, 0),
    data_standard_version="4.0.0",
    wording=MESSAGES_6_2,
    year_before_api=False,
    api_mode=True,
    denials="not found",
    absent_person="unresolved",
    partial_references="ignored",
    missing_references="by column",
    renames_people=True,
    key_change="ignored",
    malformed_id_on_read="refused",
    limit_message=_LIMIT_TO_6,
    snapshot_header="snapshot-identifier",
)
_ODS_5_3 = replace(
    _ODS_6_2,
    name="5.3",
    version="5.3",
    data_standard=(3, 3),
    data_standard_version="3.3.1-b",
    wording=MESSAGES_5_3,
    urls=("dependencies", "openApiMetadata", "oauth", "dataManagementApi", "xsdMetadata"),
    token=TokenAnswers(
        wrong_secret=(400, "invalid_client"), no_credentials=(401, None), malformed_header=(401, None)
    ),
    last_modified_date=False,
    denials="segments",
    default_limit=25,
    change_version_names=("OldestChangeVersion", "NewestChangeVersion"),
    deletes="useless",
    key_changes=False,
    read_changes_action=False,
    dependencies_list_updates=False,
)
_DMS = replace(
    _ODS_7_3,
    name="dms",
    version="",
    wording=PROBLEMS_DMS,
    data_path="/data",
    application_name="Ed-Fi API",
    urls=(
        "dependencies",
        "openApiMetadata",
        "oauth",
        "tokenInfo",
        "dataManagementApi",
        "changeQueries",
        "xsdMetadata",
    ),
    token_type="Bearer",  # noqa: S106
    token_limit=None,
    token=TokenAnswers(
        no_credentials=(400, "invalid_request"),
        other_scheme=(400, "invalid_request"),
        both_places=(400, "invalid_request"),
    ),
    token_checks_media_type=False,
    token_problem_details=True,
    empty_collections=False,
    exact_names=True,
    dashed_ids=True,
    opaque_etags=True,
    correlation_header="correlationid",
    correlation_parameter=False,
    duplicate_properties="refused",
    claims_before_look_up=True,
    empty_put="request",
    denials="required element",
    descriptors="with references",
    names_base_of_dependents=False,
    all_references=True,
    id_in_put_body="required",
    malformed_id_on_read="refused",
    if_none_match="standard",
    any_etag=True,
    strict_queries=True,
    unknown_descriptor_filter="empty",
)

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (_ODS_5_3, _ODS_6_2, _ODS_7_1, _ODS_7_3, _DMS)}
