"""The resources that the sandbox serves, by Data Standard (published OpenAPI of Data Standards 3.3 to 6.0).

Names, lengths, required and identifying properties are those of the published documents; the natural keys and the
inheritance (`base`) are those of the ODS tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from sandbox.ods.properties import (
    DataStandard,
    Property,
    camel,
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

DS3: DataStandard = (3, 3)
DS4: DataStandard = (4, 0)
DS5: DataStandard = (5, 0)


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One value of a natural key: its flat name (filters, change queries) and where the document holds it."""

    name: str
    path: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Resource:
    """A resource: `name` is its collection's path, `entity` its type, `base` the abstract type whose key it shares.

    `claim` is the resource claim that authorization is granted on. `updatable_key`: a PUT may change the natural key
    (ODS ApiModel, isUpdatable). `order` is its place in the load order.
    """

    name: str
    entity: str
    key: tuple[KeyPart, ...]
    properties: tuple[Property, ...]
    claim: str
    order: int
    base: str = ""
    updatable_key: bool = False

    @property
    def is_descriptor(self) -> bool:
        return self.claim == "systemDescriptors"

    @property
    def schema(self) -> str:
        """The schema's name in the OpenAPI document."""
        return f"edFi_{camel(self.entity)}"

    def properties_in(self, standard: DataStandard) -> tuple[Property, ...]:
        return tuple(prop for prop in self.properties if prop.in_standard(standard))


# References, named as in the published documents.

_EDUCATION_ORGANIZATION = reference(
    "educationOrganizationReference", "EducationOrganization", organization_id("educationOrganizationId")
)
_SCHOOL = reference("schoolReference", "School", organization_id("schoolId"))
_STUDENT = reference("studentReference", "Student", text("studentUniqueId", 32))
_PROGRAM = reference(
    "programReference",
    "Program",
    organization_id("educationOrganizationId"),
    text("programName", 60),
    descriptor("programTypeDescriptor"),
)
_LOCAL_EDUCATION_AGENCY = organization_id("localEducationAgencyId")
_GRADUATION_PLAN = (
    organization_id("educationOrganizationId"),
    descriptor("graduationPlanTypeDescriptor"),
    integer("graduationSchoolYear"),
)


def _school_year(name: str, *, required: bool = False) -> Property:
    return reference(name, "SchoolYearType", integer("schoolYear"), required=required)


# What education organizations share.

_PERIOD = (key(date("beginDate")), date("endDate"))
_ORGANIZATION_COLLECTIONS = (
    items(
        "addresses",
        "educationOrganizationAddress",
        key(descriptor("addressTypeDescriptor")),
        key(text("city", 30, 2)),
        key(text("postalCode", 17)),
        key(descriptor("stateAbbreviationDescriptor")),
        key(text("streetNumberName", 150)),
        text("apartmentRoomSuiteNumber", 50),
        text("buildingSiteNumber", 20),
        text("congressionalDistrict", 30),
        text("countyFIPSCode", 5, 3),
        flag("doNotPublishIndicator"),
        text("latitude", 20),
        descriptor("localeDescriptor"),
        text("longitude", 20),
        text("nameOfCounty", 30),
        items("periods", "educationOrganizationAddressPeriod", *_PERIOD),
    ),
    items(
        "identificationCodes",
        "educationOrganizationIdentificationCode",
        key(descriptor("educationOrganizationIdentificationSystemDescriptor")),
        text("identificationCode", 60, required=True),
    ),
    items(
        "indicators",
        "educationOrganizationIndicator",
        key(descriptor("indicatorDescriptor")),
        text("designatedBy", 60),
        descriptor("indicatorGroupDescriptor"),
        descriptor("indicatorLevelDescriptor"),
        text("indicatorValue", 60),
        items("periods", "educationOrganizationIndicatorPeriod", *_PERIOD),
    ),
    items(
        "institutionTelephones",
        "educationOrganizationInstitutionTelephone",
        key(descriptor("institutionTelephoneNumberTypeDescriptor")),
        text("telephoneNumber", 24, required=True),
    ),
    items(
        "internationalAddresses",
        "educationOrganizationInternationalAddress",
        key(descriptor("addressTypeDescriptor")),
        text("addressLine1", 150, required=True),
        text("addressLine2", 150),
        text("addressLine3", 150),
        text("addressLine4", 150),
        date("beginDate"),
        descriptor("countryDescriptor", required=True),
        date("endDate"),
        text("latitude", 20),
        text("longitude", 20),
    ),
)
_ORGANIZATION = (
    text("nameOfInstitution", 75, required=True),
    text("shortNameOfInstitution", 75),
    descriptor("operationalStatusDescriptor"),
    text("webSite", 255, 5),
    *_ORGANIZATION_COLLECTIONS,
)
_ORGANIZATION_CATEGORY = key(descriptor("educationOrganizationCategoryDescriptor"))
_FEDERAL_AMOUNTS = (
    "innovativeDollarsSpent",
    "innovativeDollarsSpentStrategicPriorities",
    "innovativeProgramsFundsReceived",
    "schoolImprovementAllocation",
    "schoolImprovementReservedFundsPercentage",
    "stateAssessmentAdministrationFunding",
    "supplementalEducationalServicesFundsSpent",
    "supplementalEducationalServicesPerPupilExpenditure",
)

# What the program associations share (GeneralStudentProgramAssociation).

_SERVICE_DATES = (flag("primaryIndicator"), date("serviceBeginDate"), date("serviceEndDate"))
_PROGRAM_ASSOCIATION = (
    key(date("beginDate")),
    key(_EDUCATION_ORGANIZATION),
    key(_PROGRAM),
    key(_STUDENT),
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


RESOURCES: tuple[Resource, ...] = (
    Resource(
        name="schoolYearTypes",
        entity="SchoolYearType",
        key=(KeyPart("schoolYear", ("schoolYear",)),),
        claim="edFiTypes",
        order=1,
        properties=(
            key(integer("schoolYear")),
            flag("currentSchoolYear"),
            text("schoolYearDescription", 50, required=True),
        ),
    ),
    Resource(
        name="localEducationAgencies",
        entity="LocalEducationAgency",
        key=(KeyPart("localEducationAgencyId", ("localEducationAgencyId",)),),
        base="EducationOrganization",
        claim="educationOrganizations",
        order=2,
        properties=(
            key(_LOCAL_EDUCATION_AGENCY),
            *_ORGANIZATION,
            items("categories", "educationOrganizationCategory", _ORGANIZATION_CATEGORY, required=True),
            descriptor("localEducationAgencyCategoryDescriptor", required=True),
            descriptor("charterStatusDescriptor"),
            reference("parentLocalEducationAgencyReference", "LocalEducationAgency", _LOCAL_EDUCATION_AGENCY),
            reference(
                "educationServiceCenterReference",
                "EducationServiceCenter",
                organization_id("educationServiceCenterId"),
            ),
            reference(
                "stateEducationAgencyReference", "StateEducationAgency", organization_id("stateEducationAgencyId")
            ),
            items(
                "accountabilities",
                "localEducationAgencyAccountability",
                key(_school_year("schoolYearTypeReference")),
                descriptor("gunFreeSchoolsActReportingStatusDescriptor"),
                descriptor("schoolChoiceImplementStatusDescriptor"),
            ),
            items(
                "federalFunds",
                "localEducationAgencyFederalFunds",
                key(integer("fiscalYear")),
                *(number(name) for name in _FEDERAL_AMOUNTS),
            ),
        ),
    ),
    Resource(
        name="schools",
        entity="School",
        key=(KeyPart("schoolId", ("schoolId",)),),
        base="EducationOrganization",
        claim="educationOrganizations",
        order=3,
        properties=(
            key(organization_id("schoolId")),
            *_ORGANIZATION,
            items(
                "educationOrganizationCategories",
                "educationOrganizationCategory",
                _ORGANIZATION_CATEGORY,
                required=True,
            ),
            items("gradeLevels", "schoolGradeLevel", key(descriptor("gradeLevelDescriptor")), required=True),
            items("schoolCategories", "schoolCategory", key(descriptor("schoolCategoryDescriptor"))),
            reference("localEducationAgencyReference", "LocalEducationAgency", _LOCAL_EDUCATION_AGENCY),
            _school_year("charterApprovalSchoolYearTypeReference"),
            descriptor("administrativeFundingControlDescriptor"),
            descriptor("charterApprovalAgencyTypeDescriptor"),
            descriptor("charterStatusDescriptor"),
            descriptor("internetAccessDescriptor"),
            descriptor("magnetSpecialProgramEmphasisSchoolDescriptor"),
            descriptor("schoolTypeDescriptor"),
            descriptor("titleIPartASchoolDesignationDescriptor"),
        ),
    ),
    Resource(
        name="programs",
        entity="Program",
        key=(
            KeyPart("educationOrganizationId", ("educationOrganizationReference", "educationOrganizationId")),
            KeyPart("programName", ("programName",)),
            KeyPart("programTypeDescriptor", ("programTypeDescriptor",)),
        ),
        claim="relationshipBasedData",
        order=4,
        properties=(
            key(_EDUCATION_ORGANIZATION),
            key(text("programName", 60)),
            key(descriptor("programTypeDescriptor")),
            text("programId", 20),
            items("characteristics", "programCharacteristic", key(descriptor("programCharacteristicDescriptor"))),
            items("sponsors", "programSponsor", key(descriptor("programSponsorDescriptor"))),
            items(
                "learningStandards",
                "programLearningStandard",
                key(reference("learningStandardReference", "LearningStandard", text("learningStandardId", 60))),
            ),
            until(
                DS4,
                items(
                    "learningObjectives",
                    "programLearningObjective",
                    key(
                        reference(
                            "learningObjectiveReference",
                            "LearningObjective",
                            text("learningObjectiveId", 60),
                            text("namespace", 255),
                        )
                    ),
                ),
            ),
            until(DS4, items("services", "programService", key(descriptor("serviceDescriptor")))),
        ),
    ),
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
            key(_SCHOOL),
            key(_STUDENT),
            descriptor("entryGradeLevelDescriptor", "GradeLevelDescriptor", required=True),
            reference(
                "calendarReference",
                "Calendar",
                text("calendarCode", 60),
                organization_id("schoolId"),
                integer("schoolYear"),
            ),
            _school_year("classOfSchoolYearTypeReference"),
            _school_year("schoolYearTypeReference"),
            reference("graduationPlanReference", "GraduationPlan", *_GRADUATION_PLAN),
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
                key(reference("alternativeGraduationPlanReference", "GraduationPlan", *_GRADUATION_PLAN)),
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

_DESCRIPTOR_KEY = (KeyPart("namespace", ("namespace",)), KeyPart("codeValue", ("codeValue",)))
_DESCRIPTOR_PROPERTIES = (
    key(text("codeValue", 50)),
    key(text("namespace", 255)),
    text("shortDescription", 75, required=True),
    text("description", 1024),
    date("effectiveBeginDate"),
    date("effectiveEndDate"),
)


def _descriptor_kinds(properties: tuple[Property, ...]) -> Iterator[str]:
    for prop in properties:
        if prop.descriptor:
            yield prop.descriptor
        yield from _descriptor_kinds(prop.fields)


def _descriptor_resource(kind: str) -> Resource:
    return Resource(
        name=f"{camel(kind)}s",
        entity=kind,
        key=_DESCRIPTOR_KEY,
        properties=_DESCRIPTOR_PROPERTIES,
        claim="systemDescriptors",
        order=1,
    )


@cache
def resources() -> dict[str, Resource]:
    """Every resource by its path. The descriptors are those that some property uses, in any Data Standard: a real
    ODS keeps them all, whichever resources still point to them.
    """
    kinds = {kind for resource in RESOURCES for kind in _descriptor_kinds(resource.properties)}
    descriptors = (_descriptor_resource(kind) for kind in sorted(kinds))
    return {resource.name: resource for resource in (*descriptors, *RESOURCES)}
