"""What a resource is: its name, its natural key, its properties, and the references that several resources have."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.ods.properties import (
    DataStandard,
    Property,
    camel,
    descriptor,
    integer,
    organization_id,
    reference,
    text,
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

EDUCATION_ORGANIZATION = reference(
    "educationOrganizationReference", "EducationOrganization", organization_id("educationOrganizationId")
)
SCHOOL = reference("schoolReference", "School", organization_id("schoolId"))
STUDENT = reference("studentReference", "Student", text("studentUniqueId", 32))
PROGRAM = reference(
    "programReference",
    "Program",
    organization_id("educationOrganizationId"),
    text("programName", 60),
    descriptor("programTypeDescriptor"),
)
LOCAL_EDUCATION_AGENCY = organization_id("localEducationAgencyId")
GRADUATION_PLAN = (
    organization_id("educationOrganizationId"),
    descriptor("graduationPlanTypeDescriptor"),
    integer("graduationSchoolYear"),
)


def school_year(name: str, *, required: bool = False) -> Property:
    return reference(name, "SchoolYearType", integer("schoolYear"), required=required)
