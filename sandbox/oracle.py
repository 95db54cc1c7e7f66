"""What the ODS should hold, worked out from Campus's raw rows in the plainest way there is.

It shares no line with the package: no SQL, no settings model. It is slow, and easy to check against the page
"Student CTE Program Associations (Missouri v3.6)" by eye. The demo and the tests compare the package with it.

``settings`` is one target of the settings file with its preferences in place of their name::

    {"district_number": "039141", "student_id": "stateID", "preferences": {"career_cluster": {"mapping": {…}}, …}}
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

Row = dict[str, Any]
Tables = dict[str, list[Row]]
Document = dict[str, Any]
Key = tuple[str, str, str, str, str, str]
"""beginDate, educationOrganizationId, the program's, programName, programTypeDescriptor, studentUniqueId: folded."""

TABLES = (
    "District",
    "SchoolYear",
    "School",
    "Calendar",
    "Person",
    "Enrollment",
    "EnrollmentMO",
    "CampusAttribute",
    "CampusDictionary",
    "Program",
    "ProgramParticipation",
    "ProgramCertification",
)
SERVICE_TYPES = ["P", "S", "N"]


@dataclass
class Verdict:
    """What becomes of one candidate: ``excluded``, ``rejected``, ``superseded`` or ``sent``, and why."""

    outcome: str
    reason: str | None = None
    document: Document | None = None
    service_type: str | None = None


def expected(path: Path | str, scope_year: int, settings: dict[str, Any]) -> dict[Key, Document]:
    """The documents that the ODS of a scope year should hold for a DuckDB Campus."""
    return expected_from_rows(read_tables(path), scope_year, settings)


def expected_from_rows(tables: Tables, scope_year: int, settings: dict[str, Any]) -> dict[Key, Document]:
    """The same from rows in memory: table name to rows, each column name to value."""
    found = verdicts(tables, scope_year, settings).values()
    return {key_of(v.document): v.document for v in found if v.outcome == "sent" and v.document}


def read_tables(path: Path | str) -> Tables:
    """All rows of the tables concerned."""
    tables = {}
    with duckdb.connect(str(path), read_only=True) as connection:
        for name in TABLES:
            cursor = connection.execute(f"SELECT * FROM dbo.{name}")
            columns = [column[0] for column in cursor.description]
            tables[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return tables


def verdicts(tables: Tables, scope_year: int, settings: dict[str, Any]) -> dict[int, Verdict]:
    """Every candidate's enrollmentID with what becomes of it."""
    campus = _Campus(tables, scope_year, settings)
    found: dict[int, Verdict] = {}
    for enrollment in campus.enrollments:
        if not campus.is_candidate(enrollment):
            continue
        rule = campus.excluding_rule(enrollment)
        if rule:
            found[enrollment["enrollmentID"]] = Verdict("excluded", rule)
        else:
            found[enrollment["enrollmentID"]] = _judge(campus, enrollment, settings)
    _supersede(found)
    return found


def key_of(document: Document) -> Key:
    """The natural key of a document, folded as an ODS compares it."""
    program = document["programReference"]
    parts = (
        document["beginDate"],
        document["educationOrganizationReference"]["educationOrganizationId"],
        program["educationOrganizationId"],
        program["programName"],
        program["programTypeDescriptor"],
        document["studentReference"]["studentUniqueId"],
    )
    begin, edorg, program_edorg, name, kind, student = (str(part).strip().casefold() for part in parts)
    return begin, edorg, program_edorg, name, kind, student


def text(value: Any) -> str | None:
    """Without blanks around it; blank is None."""
    return str(value).strip(" \t\r\n\u00a0") or None if value is not None else None


def marked(value: Any) -> bool:
    """A check box, whatever it is stored as."""
    return str(value).strip().upper() in ("1", "Y", "YES", "T", "TRUE")


def day(value: Any) -> date | None:
    """A date without its time."""
    return value.date() if isinstance(value, datetime) else value


class _Campus:
    """The rules of the page, one method each, over rows in memory."""

    def __init__(self, tables: Tables, scope_year: int, settings: dict[str, Any]) -> None:
        self.scope_year = scope_year
        district_ids = {
            row["districtID"] for row in tables["District"] if text(row["number"]) == settings["district_number"]
        }
        self.calendars = {row["calendarID"]: row for row in tables["Calendar"]}
        self.schools = {row["schoolID"]: row for row in tables["School"]}
        self.persons = {row["personID"]: row for row in tables["Person"]}
        self.missouri = {row["enrollmentID"]: row for row in tables["EnrollmentMO"]}
        self.enrollments = [row for row in tables["Enrollment"] if row["districtID"] in district_ids]
        self.by_person: dict[int, list[Row]] = {}
        for row in self.enrollments:
            self.by_person.setdefault(row["personID"], []).append(row)
        self.labels = self._labels(tables)
        parts = settings.get("campus_mapping") or {}
        has_programs = parts.get("programs") == "participation"
        has_certifications = parts.get("certifications") == "program_certification"
        self.programs = {row["programID"]: row for row in tables.get("Program", [])}
        self.participations = tables.get("ProgramParticipation", []) if has_programs else None
        self.certifications = tables.get("ProgramCertification", []) if has_certifications else []
        years = [row for row in tables["SchoolYear"] if row["endYear"] == scope_year]
        self.first_day = (day(years[0]["startDate"]) if years else None) or date(scope_year - 1, 7, 1)
        self.last_day = (day(years[0]["endDate"]) if years else None) or date(scope_year, 6, 30)

    @staticmethod
    def _labels(tables: Tables) -> dict[str, str]:
        """CTE Program Type code to label."""
        attributes = {
            row["attributeID"]
            for row in tables["CampusAttribute"]
            if row["object"] == "EnrollmentMO" and row["element"] == "cteProgramType"
        }
        labels: dict[str, str] = {}
        for row in tables["CampusDictionary"]:
            code, name = text(row["code"]), text(row["name"])
            if row["attributeID"] in attributes and code and name:
                labels[code.upper()] = min(name, labels.get(code.upper(), name))
        return labels

    def cluster(self, enrollment: Row) -> str | None:
        return text(self.missouri.get(enrollment["enrollmentID"], {}).get("careerCluster"))

    def program_type(self, enrollment: Row) -> str | None:
        return text(self.missouri.get(enrollment["enrollmentID"], {}).get("cteProgramType"))

    def participation(self, enrollment: Row) -> Row | None:
        """Of the programs with a State Code in which the student takes part while enrolled, the one begun last."""
        found = [
            row
            for row in self.participations or []
            if row["personID"] == enrollment["personID"]
            and self.programs[row["programID"]]["stateCode"] is not None
            and (enrollment["endDate"] is None or row["startDate"] <= enrollment["endDate"])
            and (row["endDate"] is None or row["endDate"] >= enrollment["startDate"])
        ]
        return max(found, key=lambda row: (row["startDate"], row["participationID"]), default=None)

    def certification(self, enrollment: Row) -> str:
        """``passing``, ``attempted`` or ``none``: the student's best, of that program where programs are read."""
        program = self.participation(enrollment)
        statuses = {
            (text(row["status"]) or "").upper()
            for row in self.certifications
            if row["personID"] == enrollment["personID"]
            and row["status"] is not None
            and (self.participations is None or (program and row["programID"] == program["programID"]))
        }
        passing = statuses & {"P", "PASS", "PASSED", "PASSING"}
        return "passing" if passing else "attempted" if statuses else "none"

    def calendar(self, enrollment: Row) -> Row:
        return self.calendars[enrollment["calendarID"]]

    def is_candidate(self, enrollment: Row) -> bool:
        """Carries any career-technical value, and is of the year or the years beside it, or overlaps it."""
        if not self.cluster(enrollment) and not self.program_type(enrollment):
            return False
        return abs(self.calendar(enrollment)["endYear"] - self.scope_year) <= 1 or self.overlaps(enrollment)

    def excluding_rule(self, enrollment: Row) -> str | None:
        """The first rule that excludes the record, in the page's order."""
        checks = {
            "no_overlap_with_scope_year": not self.overlaps(enrollment),
            "no_enrollment_in_scope_year": not self.student_is_enrolled(enrollment),
            "career_cluster_blank": not self.cluster(enrollment),
            "cte_program_type_blank": not self.program_type(enrollment),
            **self.flags(enrollment),
        }
        return next((rule for rule, excludes in checks.items() if excludes), None)

    def flags(self, enrollment: Row) -> dict[str, bool]:
        """The rules that are a check box in Campus, in the page's order, and whether it is marked."""
        calendar = self.calendar(enrollment)
        return {
            "calendar_exclude": marked(calendar["exclude"]),
            "school_exclude": marked(self.schools[calendar["schoolID"]]["exclude"]),
            "no_show": marked(enrollment["noShow"]),
        }

    def overlaps(self, enrollment: Row) -> bool:
        """Any day of the enrollment, first and last included, is a day of the school year."""
        start, end = day(enrollment["startDate"]), day(enrollment["endDate"])
        if end is None:
            end = day(self.calendar(enrollment)["endDate"])
            if start and end and end < start:
                end = start
        first, last = start or date.min, end or date.max
        return first <= last and first <= self.last_day and last >= self.first_day

    def student_is_enrolled(self, enrollment: Row) -> bool:
        """The student has an enrollment in a calendar of the scope year: this one, or another that isn't excluded."""
        for other in self.by_person[enrollment["personID"]]:
            if self.calendar(other)["endYear"] != self.scope_year:
                continue
            if other is enrollment:
                return True
            if not any(self.flags(other).values()):
                return True
        return False


def _judge(campus: _Campus, enrollment: Row, settings: dict[str, Any]) -> Verdict:
    """A record that no rule excludes: sent, unless a value is missing or unmapped."""
    preferences = settings.get("preferences") or {}
    code = campus.program_type(enrollment) or ""
    program = preferences.get("program_name") or {}
    own_name = code if program.get("source") == "code" else campus.labels.get(code.upper())
    name = (program.get("mapping") or {}).get(code, own_name)
    cluster = _cluster_uri(campus.cluster(enrollment) or "", preferences.get("career_cluster") or {})
    person = campus.persons.get(enrollment["personID"], {})
    student = text(person.get(settings.get("student_id") or "stateID"))
    start = day(enrollment["startDate"])
    reason = _rejection(start, name, student, cluster)
    if reason or start is None:
        return Verdict("rejected", reason)
    edorg = settings.get("education_organization_id") or int(settings["district_number"])
    program_type = preferences.get("program_type_descriptor")
    document: Document = {
        "beginDate": start.isoformat(),
        "educationOrganizationReference": {"educationOrganizationId": edorg},
        "programReference": {
            "educationOrganizationId": edorg,
            "programName": name,
            "programTypeDescriptor": program_type
            or "uri://ed-fi.org/ProgramTypeDescriptor#Career and Technical Education",
        },
        "studentReference": {"studentUniqueId": student},
        "cteProgramServices": [{"cteProgramServiceDescriptor": cluster}],
    }
    end = day(enrollment["endDate"])
    if preferences.get("send_end_date") and end:
        document["endDate"] = end.isoformat()
    certified = (preferences.get("certification_status") or {}).get(campus.certification(enrollment))
    if certified:
        document["technicalSkillsAssessmentDescriptor"] = certified
    # ctePrograms left the model with Data Standard 5
    if settings.get("data_standard", (5, 2)) < (5, 0):
        item = _cte_program(campus.participation(enrollment), campus, preferences)
        if "unmapped" in item:
            return Verdict("rejected", item["unmapped"])
        if item:
            document["ctePrograms"] = [item]
    return Verdict("sent", None, document, (text(enrollment["serviceType"]) or "").upper())


def _rejection(start: date | None, name: str | None, student: str | None, cluster: str | None) -> str | None:
    """Why the record can't be sent: the first that is so."""
    problems = {
        "start_date_missing": start is None,
        "start_date_impossible": start is not None and start.year < 1950,
        "program_name_missing": not name,
        "program_name_too_long": len(name or "") > 60,
        "student_id_missing": not student,
        "student_id_too_long": len(student or "") > 32,
        "career_cluster_unmapped": cluster is None,
    }
    return next((reason for reason, is_so in problems.items() if is_so), None)


def _cte_program(participation: Row | None, campus: _Campus, preferences: dict[str, Any]) -> Document:
    """The item of ctePrograms, empty without a pathway; with ``unmapped`` the reason why the record is rejected."""
    pathways, statuses = preferences.get("career_pathway") or {}, preferences.get("student_status") or {}
    if participation is None:
        return {}
    name = text(campus.programs[participation["programID"]]["name"])
    status = text(participation["studentStatus"])
    if pathways and name and name not in pathways:
        return {"unmapped": "career_pathway_unmapped"}
    if statuses and status and status not in statuses:
        return {"unmapped": "student_status_unmapped"}
    pathway = pathways.get(name) if name else None
    if not pathway:
        return {}
    completed = statuses.get(status) if status else None
    return {"careerPathwayDescriptor": pathway} | (
        {} if completed is None else {"cteProgramCompletionIndicator": completed}
    )


def _cluster_uri(code: str, preference: dict[str, Any]) -> str | None:
    """The descriptor of a career cluster; codes 1 to 16 are the page's list with 13, Manufacturing, added."""
    namespace = preference.get("namespace") or "uri://dese.mo.gov/CTEProgramServiceDescriptor"
    mapping = {str(number): f"{namespace}#{number}" for number in range(1, 17)}
    mapping.update(preference.get("mapping") or {})
    return mapping.get(code) or mapping.get(code.lstrip("0"))


def _supersede(found: dict[int, Verdict]) -> None:
    """Of several records with one key the best service type is sent, then the highest enrollmentID."""
    by_key: dict[Key, list[int]] = {}
    for enrollment_id, verdict in found.items():
        if verdict.document:
            by_key.setdefault(key_of(verdict.document), []).append(enrollment_id)
    for enrollment_ids in by_key.values():

        def rank(enrollment_id: int) -> tuple[int, int]:
            service = found[enrollment_id].service_type
            return (SERVICE_TYPES.index(service) if service in SERVICE_TYPES else 3, -enrollment_id)

        for loser in sorted(enrollment_ids, key=rank)[1:]:
            found[loser] = Verdict("superseded")
