"""An ODS's association documents as typed values, for comparing a collection with what was sent, page by page.

Most of a collection says to the letter what was sent. A value of :class:`Document` written again is the text that was
sent, since what a GET adds is not among its properties or falls away as a default, so that one digest decides; and to
make one costs a third of what dicts cost.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edfi_cte.associations.model import digest


class _Reference(msgspec.Struct, gc=False, omit_defaults=True):
    """Without its ``link``."""


class EducationOrganizationReference(_Reference):
    educationOrganizationId: int  # noqa: N815 - Ed-Fi's names


class ProgramReference(_Reference):
    educationOrganizationId: int  # noqa: N815
    programName: str  # noqa: N815
    programTypeDescriptor: str  # noqa: N815


class StudentReference(_Reference):
    studentUniqueId: str  # noqa: N815


class CteProgram(msgspec.Struct, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """An item of ctePrograms, up to Data Standard 4.0."""

    careerPathwayDescriptor: str  # noqa: N815
    cipCode: str | None = None  # noqa: N815
    cteProgramCompletionIndicator: bool | None = None  # noqa: N815
    primaryCTEProgramIndicator: bool | None = None  # noqa: N815


class CteProgramService(msgspec.Struct, gc=False, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    cipCode: str | None = None  # noqa: N815
    cteProgramServiceDescriptor: str  # noqa: N815
    primaryIndicator: bool | None = None  # noqa: N815
    serviceBeginDate: str | None = None  # noqa: N815
    serviceEndDate: str | None = None  # noqa: N815


class Document(msgspec.Struct, gc=False, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """A studentCTEProgramAssociation of Data Standard 3.1 to 6.0, its properties in the order of their names.

    A document with any other property, such as an extension's, is none: it is read as a dict.
    """

    etag: str | None = msgspec.field(default=None, name="_etag")
    modified: str | None = msgspec.field(default=None, name="_lastModifiedDate")
    beginDate: str  # noqa: N815
    cteProgramServices: list[CteProgramService] = []  # noqa: N815
    ctePrograms: list[CteProgram] = []  # noqa: N815
    educationOrganizationReference: EducationOrganizationReference  # noqa: N815
    endDate: str | None = None  # noqa: N815
    id: str = ""
    nonTraditionalGenderStatus: bool | None = None  # noqa: N815
    participationStatus: Any = None  # noqa: N815
    privateCTEProgram: bool | None = None  # noqa: N815
    programParticipationStatuses: list[Any] = []  # noqa: N815
    programReference: ProgramReference  # noqa: N815
    reasonExitedDescriptor: str | None = None  # noqa: N815
    servedOutsideOfRegularSession: bool | None = None  # noqa: N815
    services: list[Any] = []
    studentReference: StudentReference  # noqa: N815
    technicalSkillsAssessmentDescriptor: str | None = None  # noqa: N815

    def sent_digest(self) -> str:
        """The payload hash of the text that this document was sent as, if it is as it was sent."""
        identity, etag, modified = self.id, self.etag, self.modified
        self.id, self.etag, self.modified = "", None, None
        try:
            return digest(_ENCODER.encode(self))
        finally:
            self.id, self.etag, self.modified = identity, etag, modified

    def plain(self) -> dict[str, Any]:
        """As a dict, without what says nothing: nulls, empty collections, links."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(list[Document])


def decode_page(body: bytes) -> list[Document] | None:
    """The items of a collection's page; None where it has one that is no :class:`Document`, or is no list at all."""
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError):
        return None
