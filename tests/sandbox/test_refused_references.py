"""Each way of refusing what a document refers to, its id or its form, with status and whole body per dialect."""

from __future__ import annotations

import json

import pytest

from tests.sandbox.answers import DATA, SEE_ERRORS, SEE_VALIDATION, check, message, problem
from tests.sandbox.cases import (
    DMS_RESOLVE,
    KEY_NAMES,
    KEY_PAIRS,
    KEY_VALUES,
    PROGRAM_REFERENCE,
    UNKNOWN_ID,
    UNKNOWN_TYPE,
    Case,
    program,
    same,
    shared_key,
)
from tests.sandbox.target import FORM, WORLD, Target, association

REFERENCES = [
    Case(
        "unknown descriptor",
        "ODS DescriptorLookup (to 7.1), DescriptorExistsAttribute (7.2+); DMS DescriptorReferenceValidation 01",
        lambda target: target.post(association(programReference=program(programTypeDescriptor=UNKNOWN_TYPE))),
        {
            **same(
                message(
                    400,
                    f"Unable to resolve value '{UNKNOWN_TYPE}' to an existing 'ProgramTypeDescriptor' resource.",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.programReference.programTypeDescriptor": [
                        f"ProgramTypeDescriptor value '{UNKNOWN_TYPE}' does not exist."
                    ]
                },
            ),
            "dms": problem(
                400,
                "bad-request",
                SEE_VALIDATION,
                where={
                    "$.programReference.programTypeDescriptor": [
                        f"ProgramTypeDescriptor value '{UNKNOWN_TYPE.lower()}' does not exist."
                    ]
                },
                dms=True,
            ),
        },
    ),
    Case(
        "something that is no descriptor",
        "ODS v7.3 DescriptorExistsAttribute",
        lambda target: target.post(association(reasonExitedDescriptor="Other")),
        {
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.reasonExitedDescriptor": [
                        "'Other' is not a valid value for use as a descriptor (a '#' is expected to delimit the "
                        "namespace and code value)."
                    ]
                },
            )
        },
    ),
    Case(
        "partial reference",
        "Postman ResponseTests: when_posting_a_resource_with_partially_formed_optional_reference; ODS v7.1 "
        "FullyDefinedReferenceAttribute; DMS CreateResourcesValidation 15",
        lambda target: target.post(association(programReference=program(programName=None))),
        {
            # A reference that is ignored for its missing part is missing whole: its columns are empty.
            **same(
                message(
                    400,
                    "Validation of 'StudentCTEProgramAssociation' failed.\n\tProgramEducationOrganizationId is "
                    "required.\n\tProgramName is required.\n\tProgramTypeDescriptorId is required.\n",
                ),
                "5.3",
                "6.2",
            ),
            "7.1": message(
                400,
                "Validation of 'StudentCTEProgramAssociationPost' failed.\n"
                "\tProgramReference is missing the following properties: ProgramName\n",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.programReference": ["ProgramReference is missing the following properties: ProgramName"]},
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.programReference.programName": ["programName is required."]},
                dms=True,
            ),
        },
    ),
    Case(
        "empty body",
        "Postman ResponseTests: when_posting_a_resource_with_null_parameters; DMS CreateResourcesValidation 01",
        lambda target: target.post(None, content=b""),
        {
            **same(message(400, "A non-empty request body is required."), "5.3", "6.2", "7.1"),
            "7.3": problem(400, "bad-request", SEE_ERRORS, "A non-empty request body is required."),
            "dms": problem(400, "bad-request", SEE_ERRORS, "A non-empty request body is required.", dms=True),
        },
    ),
    Case(
        "id in the body of a POST",
        "Postman ResponseTests: when_posting_a_resource_including_the_id; DMS CreateResourcesValidation 09",
        lambda target: target.post(association(id=UNKNOWN_ID)),
        {
            **same(message(400, "Resource identifiers cannot be assigned by the client."), "5.3", "6.2", "7.1"),
            "7.3": problem(
                400,
                DATA,
                "The request data was constructed incorrectly.",
                "Resource identifiers cannot be assigned by the client. The 'id' property should not be included in "
                "the request body.",
            ),
            "dms": problem(
                400,
                DATA,
                "The request data was constructed incorrectly.",
                "Resource identifiers cannot be assigned by the client. The 'id' property should not be included in "
                "the request body.",
                dms=True,
            ),
        },
    ),
    Case(
        "content type",
        "ODS [Consumes]; v7.3 UnsupportedMediaTypeException",
        lambda target: target.post(None, content=b"beginDate=2019-08-23", headers={"Content-Type": FORM}),
        {
            **same((415, None), "5.3", "6.2", "7.1"),
            "7.3": problem(
                415,
                "unsupported-media-type",
                "The request construction was invalid.",
                "The value specified in the 'Content-Type' header is not supported by this host.",
            ),
            "dms": problem(
                415,
                "unsupported-media-type",
                "The request construction was invalid.",
                "The value specified in the 'Content-Type' header is not supported by this host.",
                dms=True,
            ),
        },
    ),
    Case(
        "unresolved reference",
        "Postman ResponseTests (7.3): Reference to Non-Existing Item on Create/Update; DMS "
        "CreateReferenceValidation 01",
        lambda target: target.post(association(programReference=program(programName="No Such Program"))),
        {
            **same(
                message(409, "The value supplied for the related 'program' resource does not exist."),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                409, "data-conflict:unresolved-reference", "The referenced 'Program' item does not exist."
            ),
            "dms": problem(
                409,
                "data-conflict:unresolved-reference",
                DMS_RESOLVE,
                where={PROGRAM_REFERENCE: ["The referenced Program item does not exist."]},
                dms=True,
            ),
        },
    ),
    Case(
        "two unresolved references",
        "DMS CreateReferenceValidation 02",
        lambda target: target.post(
            {
                "entryDate": "2019-08-23",
                "schoolReference": {"schoolId": WORLD.school},
                "studentReference": {"studentUniqueId": "no-such-student"},
                "classOfSchoolYearTypeReference": {"schoolYear": 1901},
                "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Tenth grade",
            },
            "/ed-fi/studentSchoolAssociations",
        ),
        {
            "dms": problem(
                409,
                "data-conflict:unresolved-reference",
                DMS_RESOLVE,
                where={
                    "$.classOfSchoolYearTypeReference": ["The referenced SchoolYearType item does not exist."],
                    "$.studentReference": ["The referenced Student item does not exist."],
                },
                dms=True,
            )
        },
    ),
    Case(
        "an unknown descriptor and an unresolved reference",
        "DMS DescriptorReferenceValidation 06; ODS DescriptorLookup (to 7.1), DescriptorExistsAttribute (7.2+)",
        lambda target: target.post(
            association(
                programReference=program(programName="No Such Program"),
                reasonExitedDescriptor="uri://ed-fi.org/ReasonExitedDescriptor#Fake",
            )
        ),
        {
            **same(
                message(
                    400,
                    "Unable to resolve value 'uri://ed-fi.org/ReasonExitedDescriptor#Fake' to an existing "
                    "'ReasonExitedDescriptor' resource.",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    "$.reasonExitedDescriptor": [
                        "ReasonExitedDescriptor value 'uri://ed-fi.org/ReasonExitedDescriptor#Fake' does not exist."
                    ]
                },
            ),
            "dms": problem(
                400,
                "bad-request",
                SEE_VALIDATION,
                where={
                    PROGRAM_REFERENCE: ["The referenced Program item does not exist."],
                    "$.reasonExitedDescriptor": [
                        "ReasonExitedDescriptor value 'uri://ed-fi.org/reasonexiteddescriptor#fake' does not exist."
                    ],
                },
                dms=True,
            ),
        },
    ),
    Case(
        "two values of one key part",
        "Postman ResponseTests: when_posting_a_resource_with_required_unified_keys_with_different_source_values; DMS "
        "EqualityConstraintValidation",
        lambda target: target.post(
            {
                "entryDate": "2019-08-23",
                "schoolReference": {"schoolId": WORLD.school},
                "studentReference": {"studentUniqueId": WORLD.student},
                "calendarReference": {"calendarCode": "C", "schoolId": 888, "schoolYear": 2026},
                "entryGradeLevelDescriptor": "uri://ed-fi.org/GradeLevelDescriptor#Tenth grade",
            },
            "/ed-fi/studentSchoolAssociations",
        ),
        {
            **same(
                message(
                    400,
                    "Validation of 'StudentSchoolAssociationPost' failed.\n\tSupplied values for unified key "
                    "property 'schoolId' on 'StudentSchoolAssociation' are not consistent: "
                    f"calendarReference.schoolId = 888, schoolReference.schoolId = {WORLD.school}\n",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    f"$.{name}.schoolId": [
                        "All values supplied for 'schoolId' must match. Review all references and align the "
                        f"following conflicting values: '{WORLD.school}', '888'"
                    ]
                    for name in ("schoolReference", "calendarReference")
                },
            ),
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={
                    f"$.{name}.schoolId": [
                        "All values supplied for 'schoolId' must match. Review all references (including those "
                        "higher up in the resource's data) and align the following conflicting values: "
                        f"'{WORLD.school}', '888'"
                    ]
                    for name in ("schoolReference", "calendarReference")
                },
                dms=True,
            ),
        },
    ),
    Case(
        "a property twice",
        "DMS CreateResourcesValidation 17; Json.NET takes the last one (ODS)",
        lambda target: target.post(
            None, content=json.dumps(association()).replace('"beginDate"', '"beginDate": "x", "beginDate"').encode()
        ),
        {
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.beginDate": ["An item with the same key has already been added."]},
                dms=True,
            )
        },
    ),
    Case(
        "a property of an item twice",
        "DMS DuplicatePropertiesMiddleware",
        lambda target: target.post(
            None, content=json.dumps(association()).replace('"cipCode"', '"cipCode": "x", "cipCode"').encode()
        ),
        {
            "dms": problem(
                400,
                DATA,
                SEE_VALIDATION,
                where={"$.cteProgramServices[0].cipCode": ["An item with the same key has already been added."]},
                dms=True,
            )
        },
    ),
    Case(
        "key taken by another subtype",
        "ODS DuplicateNaturalKeyExceptionTranslator, NonUniqueIdentityException; DMS UpsertHandler, "
        "UpsertFailureIdentityConflict",
        shared_key,
        {
            **same(
                message(
                    409,
                    "A natural key conflict occurred when attempting to create a new resource "
                    "'StudentCTEProgramAssociation' with a duplicate key. The duplicated columns and values are "
                    f"[{KEY_NAMES}] ({KEY_VALUES})",
                ),
                "5.3",
                "6.2",
                "7.1",
            ),
            "7.3": problem(
                409,
                "data-conflict:non-unique-identity",
                "The identifying value(s) of the item are the same as another item that already exists.",
                "A primary key conflict occurred when attempting to create or update a record in the "
                f"'GeneralStudentProgramAssociation' table. The duplicate key is ({KEY_NAMES}) = ({KEY_VALUES}).",
            ),
            "dms": problem(
                409,
                "identity-conflict",
                "The identifying value(s) of the item are the same as another item that already exists.",
                "A natural key conflict occurred when attempting to create a new resource "
                f"StudentCTEProgramAssociation with a duplicate key. The duplicate keys and values are "
                f"{KEY_PAIRS}",
                dms=True,
            ),
        },
    ),
]


@pytest.mark.cases(REFERENCES)
def test_a_reference_is_refused(target: Target, case: Case) -> None:
    check(case.ask(target), case.answers[target.dialect], target.dialect)
