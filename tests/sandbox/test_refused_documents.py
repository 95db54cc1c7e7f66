"""Each way of refusing a document, with status and whole body per dialect."""

from __future__ import annotations

import pytest

from tests.sandbox.answers import DATA, SEE_ERRORS, SEE_VALIDATION, check, message, problem
from tests.sandbox.cases import (
    COULD_NOT,
    NOT_DANGEROUS,
    PROGRAM_NAME_65,
    Case,
    invalid,
    program,
    same,
    services,
    with_item,
)
from tests.sandbox.target import ASSOCIATIONS, WORLD, Target, association

ITEM = "Access to the resource item could not be authorized because"
REQUIRED = ("beginDate", "educationOrganizationReference", "programReference", "studentReference")
BODIES = [
    Case(
        "required property missing",
        "Postman ResponseTests: when_posting_a_resource_missing_a_required_value; DMS CreateResourcesValidation 15",
        lambda target: target.post(association(beginDate=None)),
        invalid("\tBeginDate is required.\n", "$.beginDate", "BeginDate is required.", "beginDate is required."),
    ),
    Case(
        "required reference missing",
        "ODS Entities.mustache (RequiredWithNonDefault; v6.2 AuthorizeInstance), v7.1 "
        "RequiredReferenceAttribute; DMS CreateResourcesValidation 02",
        lambda target: target.post(association(studentReference=None)),
        {
            # Up to 6.x there is no such check: a student who isn't named has no number that could be authorized.
            "5.3": message(403, f"{ITEM} the 'StudentUSI' of the resource is empty."),
            "6.2": message(409, f"{ITEM} the 'Student' was not found."),
            "7.1": message(
                400, "Validation of 'StudentCTEProgramAssociationPost' failed.\n\tStudentReference is required.\n"
            ),
            "7.3": problem(
                400, DATA, SEE_VALIDATION, where={"$.studentReference": ["StudentReference is required."]}
            ),
            "dms": problem(
                400, DATA, SEE_VALIDATION, where={"$.studentReference": ["studentReference is required."]}, dms=True
            ),
        },
    ),
    Case(
        "the reference that authorization asks for missing",
        "ODS AuthorizeInstance (v6.2), AuthorizationSegmentSqlProviderBase (v5.3): the value is empty",
        lambda target: target.post(association(educationOrganizationReference=None)),
        {
            **same(message(403, f"{ITEM} the 'EducationOrganizationId' of the resource is empty."), "5.3", "6.2"),
            "7.1": message(
                400,
                "Validation of 'StudentCTEProgramAssociationPost' failed.\n"
                "\tEducationOrganizationReference is required.\n",
            ),
        },
    ),
    Case(
        "an empty object",
        "ODS AuthorizeInstance (to 6.x), RequiredReferenceAttribute (7.1); DMS CreateResourcesValidation 02",
        lambda target: target.post({}),
        {
            **same(message(403, f"{ITEM} the 'EducationOrganizationId' of the resource is empty."), "5.3", "6.2"),
            "7.1": message(
                400,
                "Validation of 'StudentCTEProgramAssociationPost' failed.\n"
                "\tEducationOrganizationReference is required.\n\tProgramReference is required.\n"
                "\tStudentReference is required.\n",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={f"$.{name}": [f"{name[0].upper()}{name[1:]} is required."] for name in REQUIRED},
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={f"$.{name}": [f"{name} is required."] for name in REQUIRED},
                dms=True,
            ),
        },
    ),
    Case(
        "a PUT of an empty object",
        "DMS UpdateResourcesValidation 07; ODS: key values stay, or are refused as changed, before the entity is "
        "validated",
        with_item(lambda target, url: target.call("PUT", url, {})),
        {
            **same((204, None), "5.3", "6.2"),
            "7.1": message(
                400,
                "Validation of 'StudentCTEProgramAssociationPut' failed.\n"
                "\tEducationOrganizationReference is required.\n\tProgramReference is required.\n"
                "\tStudentReference is required.\n",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={f"$.{name}": [f"{name[0].upper()}{name[1:]} is required."] for name in REQUIRED},
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={f"$.{name}": [f"{name} is required."] for name in (*REQUIRED, "id")},
                dms=True,
            ),
        },
    ),
    Case(
        "a PUT without a body",
        "Postman ResponseTests: when_putting_a_resource_with_null_parameters > Put Request without request body",
        with_item(lambda target, url: target.call("PUT", url, content=b"")),
        {
            **same(message(400, "A non-empty request body is required."), "5.3", "6.2", "7.1"),
            "7.3": problem(400, DATA, SEE_VALIDATION, where={"$": ["A non-empty request body is required."]}),
            "dms": problem(400, "bad-request", SEE_ERRORS, "A non-empty request body is required.", dms=True),
        },
    ),
    Case(
        "a PUT without a body to an id that is none",
        "Postman ResponseTests (7.3): Put Request with MalformedId and without request body",
        lambda target: target.call("PUT", f"{ASSOCIATIONS}/x", content=b""),
        {
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$": ["A non-empty request body is required."], "$.id": ["The value 'x' is not valid."]},
            )
        },
    ),
    Case(
        "all problems at once",
        "Postman Integration (7.3): Data Validation",
        lambda target: target.post(association(beginDate=None, programReference=program(programName="  x"))),
        {
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.beginDate": ["BeginDate is required."],
                    "$.programReference.programName": ["ProgramName cannot contain leading or trailing spaces."],
                },
            )
        },
    ),
    Case(
        "not a date",
        "ODS Iso8601UtcDateOnlyConverter and the JSON binder; DMS ResourceQueriesQueryString 03 (the same words)",
        lambda target: target.post(association(beginDate="word")),
        {
            "5.3": message(400, "The request is invalid.", {"request.beginDate": ["The supplied value is invalid."]}),
            **same(
                message(
                    400,
                    "The request is invalid.",
                    {"request.beginDate": ["String 'word' was not recognized as a valid date."]},
                ),
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.beginDate": ["String 'word' was not recognized as a valid date."]},
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.beginDate": ["The value 'word' is not valid for beginDate."]},
                dms=True,
            ),
        },
    ),
    Case(
        "a date with a time",
        "ODS Iso8601UtcDateOnlyConverter",
        lambda target: target.post(association(beginDate="2019-08-23T00:00:00")),
        {
            "5.3": message(400, "The request is invalid.", {"request.beginDate": ["The supplied value is invalid."]}),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.beginDate": ["String '2019-08-23T00:00:00' was not recognized as a valid date."]},
            ),
        },
    ),
    Case(
        "wrong JSON type",
        "ODS JSON binder; DMS DataStrictnessValidation",
        lambda target: target.post(association(privateCTEProgram="perhaps")),
        {
            "5.3": message(
                400, "The request is invalid.", {"request.privateCTEProgram": ["The supplied value is invalid."]}
            ),
            **same(message(400, "The request is invalid.", {"request.privateCTEProgram": [COULD_NOT]}), "6.2", "7.1"),
            "7.3": problem(400, DATA, SEE_VALIDATION, where={"$.privateCTEProgram": [COULD_NOT]}),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.privateCTEProgram": ['privateCTEProgram Value is "string" but should be "boolean"']},
                dms=True,
            ),
        },
    ),
    Case(
        "education organization id too large",
        "ODS entities: int up to Data Standard 4",
        lambda target: target.post(association(educationOrganizationReference={"educationOrganizationId": 2**40})),
        {
            "5.3": message(
                400,
                "The request is invalid.",
                {
                    "request.educationOrganizationReference.educationOrganizationId": [
                        "The supplied value is invalid."
                    ]
                },
            ),
            "6.2": message(
                400,
                "The request is invalid.",
                {
                    "request.educationOrganizationReference.educationOrganizationId": [
                        "Error converting value 1099511627776 to type 'System.Int32'. Path "
                        "'educationOrganizationReference.educationOrganizationId', line 1, position 1."
                    ]
                },
            ),
        },
    ),
    Case(
        "string too long",
        "ODS StringLength of the entity (to 7.1) and the resource (7.2+); DMS CreateResourcesValidation 14",
        lambda target: target.post(association(programReference=program(programName=PROGRAM_NAME_65))),
        invalid(
            "\tThe field ProgramName must be a string with a maximum length of 60.\n",
            "$.programReference.programName",
            "ProgramName must be at most 60 characters in length.",
            "programName must be at most 60 characters in length.",
        ),
    ),
    *(
        Case(
            f"whitespace {place} a key",
            "ODS NoWhitespaceAttribute; DMS CreateResourcesValidation 04 and 05",
            lambda target, name=name: target.post(association(programReference=program(programName=name))),  # type: ignore[misc]
            invalid(
                "\tProgramName property is part of the primary key and therefore its value cannot contain leading or "
                "trailing whitespace.\n",
                "$.programReference.programName",
                "ProgramName cannot contain leading or trailing spaces.",
                "programName cannot contain leading or trailing spaces.",
            ),
        )
        for place, name in (("before", " Career"), ("after", "Career "))
    ),
    Case(
        "empty required string",
        "ODS v7.3 RequiredWithNonDefaultAttribute",
        lambda target: target.post(association(studentReference={"studentUniqueId": ""})),
        {
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.studentReference.studentUniqueId": [
                        "StudentUniqueId is required and should not be left empty."
                    ]
                },
            )
        },
    ),
    Case(
        "markup in a text",
        "ODS NoDangerousTextAttribute",
        lambda target: target.post(association(programReference=program(programName="a<b"))),
        {
            **same(
                message(
                    400,
                    "Validation of 'StudentCTEProgramAssociation' failed.\n"
                    "\tProgramName contains a potentially dangerous value.\n",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(400, DATA, SEE_VALIDATION, where={"$.programReference.programName": [NOT_DANGEROUS]}),
        },
    ),
    Case(
        "the same item twice in a collection",
        "ODS NoDuplicateMembersAttribute; DMS References/ArrayUniquenessValidation",
        lambda target: target.post(association(cteProgramServices=services(WORLD.service, WORLD.service.upper()))),
        {
            **same(
                message(
                    400,
                    "Validation of 'StudentCTEProgramAssociationPost' failed.\n"
                    "\tCteProgramServices enumerable contains duplicate at index: 1\n",
                ),
                "5.3",
                "6.2",
            ),
            "7.1": message(
                400,
                "Validation of 'StudentCTEProgramAssociationPost' failed.\n"
                "\tThe 2nd item of the CteProgramServices collection is a duplicate.\n",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.cteProgramServices": [
                        "The 2nd item of the CteProgramServices has the same identifying values as another item "
                        "earlier in the list."
                    ]
                },
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.cteProgramServices": [
                        "The 2nd item of the cteProgramServices has the same identifying values as another item "
                        "earlier in the list."
                    ]
                },
                dms=True,
            ),
        },
    ),
]


@pytest.mark.cases(BODIES)
def test_a_document_is_refused(target: Target, case: Case) -> None:
    check(case.ask(target), case.answers[target.dialect], target.dialect)
