"""Students, their enrollments and their program associations."""

from __future__ import annotations

from sandbox.ods.properties import (
    Property,
    date,
    descriptor,
    flag,
    inner,
    integer,
    items,
    key,
    number,
    organization_id,
    reference,
    since,
    text,
    until,
)
from sandbox.ods.resources import (
    DS4,
    DS5,
    EDUCATION_ORGANIZATION,
    GRADUATION_PLAN,
    PROGRAM,
    SCHOOL,
    STUDENT,
    KeyPart,
    Resource,
    school_year,
)

# What the program associations share (GeneralStudentProgramAssociation).

_SERVICE_DATES = (flag("primaryIndicator"), date("serviceBeginDate"), date("serviceEndDate"))
_PROGRAM_ASSOCIATION = (
    key(date("beginDate")),
    key(EDUCATION_ORGANIZATION),
    key(PROGRAM),
    key(STUDENT),
    date("endDate"),
    descriptor("reasonExitedDescriptor"),
    flag("servedOutsideOfRegularSession"),
    until(
        DS4,
        inner(
            "participationStatus",
            "generalStudentProgramAssociationParticipationStatus",
            descriptor("participationStatusDescriptor", required=True),
            text("designatedBy", 60),
            date("statusBeginDate"),
            date("statusEndDate"),
        ),
    ),
    items(
        "programParticipationStatuses",
        "generalStudentProgramAssociationProgramParticipationStatus",
        key(descriptor("participationStatusDescriptor")),
        key(date("statusBeginDate")),
        text("designatedBy", 60),
        date("statusEndDate"),
    ),
)
_PROGRAM_ASSOCIATION_KEY = (
    KeyPart("beginDate", ("beginDate",)),
    KeyPart("educationOrganizationId", ("educationOrganizationReference", "educationOrganizationId")),
    KeyPart("programEducationOrganizationId", ("programReference", "educationOrganizationId")),
    KeyPart("programName", ("programReference", "programName")),
    KeyPart("programTypeDescriptor", ("programReference", "programTypeDescriptor")),
    KeyPart("studentUniqueId", ("studentReference", "studentUniqueId")),
)


def _services(entity: str) -> Property:
    return items("services", f"{entity}Service", key(descriptor("serviceDescriptor")), *_SERVICE_DATES)


STUDENTS: tuple[Resource, ...] = (
    Resource(
        name="students",
        entity="Student",
        key=(KeyPart("studentUniqueId", ("studentUniqueId",)),),
        claim="people",
        order=5,
        properties=(
            key(text("studentUniqueId", 32)),
            text("firstName", 75, required=True),
            text("lastSurname", 75, required=True),
            date("birthDate", required=True),
            text("birthCity", 30, 2),
            descriptor("birthCountryDescriptor", "CountryDescriptor"),
            text("birthInternationalProvince", 150),
            descriptor("birthSexDescriptor", "SexDescriptor"),
            descriptor("birthStateAbbreviationDescriptor", "StateAbbreviationDescriptor"),
            descriptor("citizenshipStatusDescriptor"),
            date("dateEnteredUS"),
            text("generationCodeSuffix", 10),
            text("maidenName", 75),
            text("middleName", 75),
            flag("multipleBirthStatus"),
            text("personalTitlePrefix", 30),
            since(DS5, text("preferredFirstName", 75)),
            since(DS5, text("preferredLastSurname", 75)),
            reference("personReference", "Person", text("personId", 32), descriptor("sourceSystemDescriptor")),
            *(
                items(
                    name,
                    item,
                    key(descriptor("identificationDocumentUseDescriptor")),
                    key(descriptor("personalInformationVerificationDescriptor")),
                    date("documentExpirationDate"),
                    text("documentTitle", 60),
                    descriptor("issuerCountryDescriptor", "CountryDescriptor"),
                    text("issuerDocumentIdentificationCode", 60),
                    text("issuerName", 150),
                )
                for name, item in (
                    ("identificationDocuments", "studentIdentificationDocument"),
                    ("personalIdentificationDocuments", "studentPersonalIdentificationDocument"),
                )
            ),
            items(
                "otherNames",
                "studentOtherName",
                key(descriptor("otherNameTypeDescriptor")),
                text("firstName", 75, required=True),
                text("lastSurname", 75, required=True),
                text("generationCodeSuffix", 10),
                text("middleName", 75),
                text("personalTitlePrefix", 30),
            ),
            items("visas", "studentVisa", key(descriptor("visaDescriptor"))),
        ),
    ),
    Resource(
        name="studentSchoolAssociations",
        entity="StudentSchoolAssociation",
        key=(
            KeyPart("entryDate", ("entryDate",)),
            KeyPart("schoolId", ("schoolReference", "schoolId")),
            KeyPart("studentUniqueId", ("studentReference", "studentUniqueId")),
        ),
        claim="primaryRelationships",
        order=6,
        updatable_key=True,
        properties=(
            key(date("entryDate")),
            key(SCHOOL),
            key(STUDENT),
            descriptor("entryGradeLevelDescriptor", "GradeLevelDescriptor", required=True),
            reference(
                "calendarReference",
                "Calendar",
                text("calendarCode", 60),
                organization_id("schoolId"),
                integer("schoolYear"),
            ),
            school_year("classOfSchoolYearTypeReference"),
            school_year("schoolYearTypeReference"),
            reference("graduationPlanReference", "GraduationPlan", *GRADUATION_PLAN),
            since(DS5, reference("nextYearSchoolReference", "School", organization_id("schoolId"))),
            flag("employedWhileEnrolled"),
            since(DS5, descriptor("enrollmentTypeDescriptor")),
            descriptor("entryGradeLevelReasonDescriptor"),
            descriptor("entryTypeDescriptor"),
            date("exitWithdrawDate"),
            descriptor("exitWithdrawTypeDescriptor"),
            until(DS4, number("fullTimeEquivalency")),
            since(DS5, number("fullTimeEquivalency", minimum=0)),
            since(DS5, descriptor("nextYearGradeLevelDescriptor", "GradeLevelDescriptor")),
            flag("primarySchool"),
            flag("repeatGradeIndicator"),
            descriptor("residencyStatusDescriptor"),
            since(DS5, flag("schoolChoice")),
            since(DS5, descriptor("schoolChoiceBasisDescriptor")),
            flag("schoolChoiceTransfer"),
            flag("termCompletionIndicator"),
            items(
                "alternativeGraduationPlans",
                "studentSchoolAssociationAlternativeGraduationPlan",
                key(reference("alternativeGraduationPlanReference", "GraduationPlan", *GRADUATION_PLAN)),
            ),
            items(
                "educationPlans", "studentSchoolAssociationEducationPlan", key(descriptor("educationPlanDescriptor"))
            ),
        ),
    ),
    Resource(
        name="studentCTEProgramAssociations",
        entity="StudentCTEProgramAssociation",
        key=_PROGRAM_ASSOCIATION_KEY,
        base="GeneralStudentProgramAssociation",
        claim="relationshipBasedData",
        order=7,
        properties=(
            *_PROGRAM_ASSOCIATION,
            flag("nonTraditionalGenderStatus"),
            flag("privateCTEProgram"),
            descriptor("technicalSkillsAssessmentDescriptor"),
            items(
                "cteProgramServices",
                "studentCTEProgramAssociationCTEProgramService",
                key(descriptor("cteProgramServiceDescriptor", "CTEProgramServiceDescriptor")),
                text("cipCode", 120),
                *_SERVICE_DATES,
            ),
            until(
                DS4,
                items(
                    "ctePrograms",
                    "studentCTEProgramAssociationCTEProgram",
                    key(descriptor("careerPathwayDescriptor")),
                    text("cipCode", 120),
                    flag("cteProgramCompletionIndicator"),
                    flag("primaryCTEProgramIndicator"),
                ),
            ),
            until(DS4, _services("studentCTEProgramAssociation")),
        ),
    ),
    Resource(
        name="studentProgramAssociations",
        entity="StudentProgramAssociation",
        key=_PROGRAM_ASSOCIATION_KEY,
        base="GeneralStudentProgramAssociation",
        claim="relationshipBasedData",
        order=7,
        properties=(*_PROGRAM_ASSOCIATION, _services("studentProgramAssociation")),
    ),
)
