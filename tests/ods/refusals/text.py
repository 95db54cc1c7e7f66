"""ODS/API up to 7.1."""

from __future__ import annotations

from edfi_cte.ods import errors as e
from edfi_cte.ods.errors import Meaning
from tests.ods.refusals.rows import (
    TEXT,
    Refusal,
    text,
)

UP_TO_7_1 = (
    text(
        "missing required",
        400,
        "Validation of 'StudentCTEProgramAssociation' failed.\n\tBeginDate is required.\n",
        e.ValidationFailed,
        properties=("BeginDate",),
        says="BeginDate is required.",
    ),
    text(
        "wrong JSON type",
        400,
        "The request is invalid.",
        e.ValidationFailed,
        state={"request.beginDate": ["The supplied value '{id}' is invalid."]},
        properties=("beginDate",),
    ),
    text(
        "string too long",
        400,
        "Validation of 'Program' failed.\n\tThe field ProgramName must be a string with a maximum length of 60.",
        e.ValidationFailed,
        properties=("ProgramName",),
        says="maximum length of 60",
    ),
    text("empty body", 400, "A non-empty request body is required.", e.ValidationFailed),
    text(
        "whitespace in a key",
        400,
        "StudentUniqueId property is part of the primary key and therefore its value cannot contain leading or "
        "trailing whitespace.",
        e.ValidationFailed,
        properties=("StudentUniqueId",),
    ),
    text("duplicate in a collection", 400, "services enumerable contains duplicate at index: 1", e.ValidationFailed),
    text(
        "unknown descriptor",
        400,
        "Unable to resolve value 'uri://ed-fi.org/ProgramTypeDescriptor#No, Such/Thing' to an existing "
        "'ProgramTypeDescriptor' resource.",
        e.UnknownDescriptor,
        properties=("ProgramTypeDescriptor",),
        says="'uri://ed-fi.org/ProgramTypeDescriptor#No, Such/Thing'",
    ),
    text("id in a POST", 400, "Resource identifiers cannot be assigned by the client.", e.ValidationFailed),
    text(
        "bad id",
        400,
        "The request is invalid.",
        e.ValidationFailed,
        state={"request.id": ["The value '{id}' is not valid."]},
        properties=("id",),
    ),
    text(
        "limit",
        400,
        "Limit must be omitted or set to a value between 1 and max value defined in configuration file "
        "(defaultPageSizeLimit).",
        e.LimitRefused,
        method="GET",
    ),
    text(
        "unresolved reference",
        409,
        "The value supplied for the related 'program' resource does not exist.",
        e.UnresolvedReference,
        properties=("program",),
        says="'program'",
    ),
    text(
        "key change",
        400,
        "Key values for this resource cannot be changed. Delete and recreate the resource item.",
        e.KeyChangeRefused,
        dialects=("7.1",),
        method="PUT",
    ),
    text(
        "dependents",
        409,
        "The resource (or a subordinate entity of the resource) cannot be deleted because it is a dependency of the "
        "'StudentCompetencyObjective' entity.",
        e.DependentExists,
        method="DELETE",
    ),
    text(
        "duplicate key in a race",
        409,
        "A natural key conflict occurred when attempting to create a new resource 'StudentCTEProgramAssociation' "
        "with a duplicate key. The duplicated columns and values are [StudentUSI] ({id}).",
        e.NaturalKeyConflict,
    ),
    text(
        "values of a sibling",
        409,
        "The values (2026-08-20, 39141, {id}) supplied for properties 'BeginDate, EducationOrganizationId' of entity "
        "'GeneralStudentProgramAssociation' are not unique.",
        e.NaturalKeyConflict,
    ),
    text(
        "no claim",
        403,
        "Access to the resource could not be authorized. Are you missing a claim? This resource can be authorized by "
        "the following claims:\n\thttp://ed-fi.org/ods/identity/claims/program",
        e.RightsMissing,
        systemic=True,
    ),
    text(
        "claim without the action",
        403,
        "Access to the resource could not be authorized for the requested action 'Create'.",
        e.RightsMissing,
        systemic=True,
    ),
    text(
        "no organizations on the key",
        403,
        "The request can not be authorized because there were no education organizations on the claim.",
        e.RightsMissing,
        dialects=("5.3",),
        systemic=True,
    ),
    text(
        "no organizations on the key",
        403,
        "Authorization denied. No relationships have been established between the caller's education organization id "
        "claims (none) and one or more of the following properties of the resource item: 'EducationOrganizationId', "
        "'StudentUniqueId'.",
        e.RightsMissing,
        dialects=("6.2", "7.1"),
        systemic=True,
    ),
    text(
        "claims of another kind",
        403,
        "Authorization denied.  The claims associated with an identifier of 'SchoolId' cannot be used to authorize a "
        "request associated with an identifier of 'LocalEducationAgencyId'.",
        e.RightsMissing,
        dialects=("5.3",),
        systemic=True,
    ),
    text(
        "not enrolled",
        403,
        "Authorization denied.  The claim does not have any established relationships with the requested resource.",
        e.NotYetEnrolled,
        dialects=("5.3",),
        meanings=(Meaning.NOT_ENROLLED, Meaning.OUT_OF_REACH),
    ),
    text(
        "not enrolled",
        403,
        "Authorization denied. No relationships have been established between the caller's education organization id "
        "claim (39141) and the resource item's 'StudentUniqueId' value.",
        e.NotYetEnrolled,
        dialects=("6.2", "7.1"),
        says="'StudentUniqueId'",
    ),
    text(
        "not enrolled, or elsewhere",
        403,
        "Authorization denied. No relationships have been established between the caller's education organization id "
        "claims (39141, 39142) and one or more of the following properties of the resource item: "
        "'EducationOrganizationId', 'StudentUniqueId'.",
        e.NotYetEnrolled,
        dialects=("6.2", "7.1"),
        meanings=(Meaning.NOT_ENROLLED, Meaning.UNKNOWN, Meaning.OUT_OF_REACH),
    ),
    text(
        "no such student",
        403,
        "Access to the resource item could not be authorized because the 'StudentUSI' of the resource is empty.",
        e.StudentUnknown,
        dialects=("5.3",),
    ),
    text(
        "no such student",
        409,
        "Access to the resource item could not be authorized because the 'Student' was not found.",
        e.StudentUnknown,
        dialects=("6.2",),
        properties=("Student",),
    ),
    text(
        "no such student, or none enrolled",
        403,
        "Authorization denied. Either referenced 'Student' was not found or no relationships have been established "
        "between the caller's education organization id claims (39141) and the referenced 'Student'.",
        e.NotYetEnrolled,
        dialects=("7.1",),
        meanings=(Meaning.NOT_ENROLLED, Meaning.UNKNOWN),
    ),
    text(
        "enrollment of no such student",
        400,
        "Validation of 'StudentSchoolAssociation' failed.\n\tStudent reference could not be resolved.\n",
        e.StudentUnknown,
        dialects=("5.3", "6.2"),
        properties=("Student",),
    ),
    text(
        "enrollment of no such student",
        409,
        "Access to the resource item could not be authorized because the 'Student' was not found.",
        e.StudentUnknown,
        dialects=("7.1",),
        properties=("Student",),
    ),
    text(
        "no such staff",
        409,
        "Access to the resource item could not be authorized because the 'Staff' was not found.",
        e.UnresolvedReference,
        dialects=("6.2", "7.1"),
        properties=("Staff",),
    ),
    text(
        "no organization in the document",
        403,
        "Access to the resource item could not be authorized because the 'EducationOrganizationId' of the resource "
        "is empty.",
        e.ValidationFailed,
    ),
    text(
        "no such education organization",
        404,
        "Education Organization with an identifier of '39141' could not be found.",
        e.OrganizationUnknown,
        dialects=("5.3",),
    ),
    *(
        text(
            "no such education organization",
            404,
            "Education Organization with an identifier of '39141' could not be found.",
            e.OrganizationUnknown,
            dialects=("5.3",),
            method=method,
        )
        for method in ("PUT", "DELETE")
    ),
    text(
        "another education organization",
        403,
        "Authorization denied.  Access to the requested 'LocalEducationAgencyId' was denied.",
        e.OrganizationDenied,
        dialects=("5.3",),
    ),
    text(
        "another education organization",
        403,
        "Authorization denied. No relationships have been established between the caller's education organization id "
        "claim (39141) and the resource item's 'EducationOrganizationId' value.",
        e.OrganizationDenied,
        dialects=("6.2", "7.1"),
        meanings=(Meaning.OUT_OF_REACH, Meaning.UNKNOWN),
    ),
    text(
        "another namespace",
        403,
        "Access to the resource item could not be authorized based on the caller's NamespacePrefix claims: 'uri://x'.",
        e.AuthorizationDenied,
        dialects=("6.2", "7.1"),
    ),
    text(
        "unknown id",
        404,
        "Entity of type 'StudentCTEProgramAssociation' with the specified id was not found.",
        e.NotFound,
        method="GET",
    ),
    text("unknown id", 404, "Resource to update was not found.", e.NotFound, method="PUT"),
    Refusal("unknown path", TEXT, 404, b"", e.WrongRoute, systemic=True, says="an empty body"),
    Refusal("method", TEXT, 405, b"", e.Refused),
    text("If-Match", 412, "Resource was modified by another consumer.", e.PreconditionFailed, method="PUT"),
    Refusal("content type", TEXT, 415, b"", e.Refused),
    Refusal("snapshot", ("5.3", "6.2"), 410, {"message": "Snapshot not available."}, e.Refused, method="GET"),
    text("unhandled", 500, "An unexpected error occurred on the server.", e.ServerFault),
)
