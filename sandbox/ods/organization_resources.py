"""School years, districts, schools and programs."""

from __future__ import annotations

from sandbox.ods.properties import (
    date,
    descriptor,
    flag,
    integer,
    items,
    key,
    number,
    organization_id,
    reference,
    text,
    until,
)
from sandbox.ods.resources import (
    DS4,
    EDUCATION_ORGANIZATION,
    LOCAL_EDUCATION_AGENCY,
    KeyPart,
    Resource,
    school_year,
)

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

ORGANIZATIONS: tuple[Resource, ...] = (
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
            key(LOCAL_EDUCATION_AGENCY),
            *_ORGANIZATION,
            items("categories", "educationOrganizationCategory", _ORGANIZATION_CATEGORY, required=True),
            descriptor("localEducationAgencyCategoryDescriptor", required=True),
            descriptor("charterStatusDescriptor"),
            reference("parentLocalEducationAgencyReference", "LocalEducationAgency", LOCAL_EDUCATION_AGENCY),
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
                key(school_year("schoolYearTypeReference")),
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
            reference("localEducationAgencyReference", "LocalEducationAgency", LOCAL_EDUCATION_AGENCY),
            school_year("charterApprovalSchoolYearTypeReference"),
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
            key(EDUCATION_ORGANIZATION),
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
)
