# ruff: noqa: DTZ001 - Campus keeps local times, without a zone
"""The sample's many: some 8,000 students a year from kindergarten to grade 12, with the slips of real data."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.campus.calendars import CLUSTERS_OF_TYPE, SCHOOLS, SCOPE_YEARS, calendar_id
from sandbox.campus.schema import Row, Tables

STUDENTS_A_GRADE = 612
GRADES = 13
NEIGHBORS = 120

_FIRST_NAMES = [
    "Ada",
    "Ben",
    "Cleo",
    "Dan",
    "Eve",
    "Finn",
    "Gia",
    "Hugo",
    "Ivy",
    "Jon",
    "Kay",
    "Leo",
    "Mia",
    "Ned",
    "Ola",
    "Pia",
    "Quin",
    "Ray",
    "Sue",
    "Tom",
    "Uma",
    "Vic",
    "Wes",
    "Zoe",
    "José",
]
_LAST_NAMES = [
    "Abel",
    "Birch",
    "Cole",
    "Drew",
    "Ellis",
    "Frost",
    "Gray",
    "Hale",
    "Ives",
    "Jones",
    "Kerr",
    "Lane",
    "Moss",
    "Nash",
    "Orr",
    "Pike",
    "Reed",
    "Shaw",
    "Tate",
    "Voss",
    "Núñez",
]
_BY_LEVEL = {
    level: [school.school_id for school in SCHOOLS if school.level == level and school.district_id == 1]
    for level in ("elementary", "middle", "high")
}


@dataclass(slots=True)
class _Student:
    person_id: int
    first_grade: int
    """Grade in the first scope year; below 0 for those who come later."""
    school: dict[str, int]
    program_type: str
    takes_cte: bool


@dataclass
class Population:
    """Generates the students of both districts; equal for equal seeds."""

    seed: int
    tables: Tables = field(
        default_factory=lambda: {"Person": [], "Identity": [], "Enrollment": [], "EnrollmentMO": []}
    )

    def generate(self) -> Tables:
        """All rows of Person, Identity, Enrollment and EnrollmentMO."""
        self._random = random.Random(self.seed)
        students = [
            self._student(grade) for grade in range(1 - len(SCOPE_YEARS), GRADES) for _ in range(STUDENTS_A_GRADE)
        ]
        for index, year in enumerate(SCOPE_YEARS):
            for student in students:
                grade = student.first_grade + index
                if 0 <= grade < GRADES:
                    self._school_year(student, year, grade)
            self._neighbors(year)
        return self.tables

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _student(self, first_grade: int) -> _Student:
        person_id = len(self.tables["Person"]) + 1
        state_id: str | None = f"{1_000_000_000 + person_id * 7}"
        if self._chance(0.003):
            state_id = self._random.choice((None, "", "  "))
        elif self._chance(0.003):
            state_id = f"{state_id} "
        birth = datetime(2018 - first_grade, 9, 1) - timedelta(days=self._random.randrange(365))
        self.tables["Person"].append(
            {
                "personID": person_id,
                "currentIdentityID": person_id,
                "stateID": state_id,
                "studentNumber": f"{200_000 + person_id}",
            }
        )
        self.tables["Identity"].append(
            {
                "identityID": person_id,
                "personID": person_id,
                "lastName": self._random.choice(_LAST_NAMES),
                "firstName": self._random.choice(_FIRST_NAMES),
                "birthdate": birth,
            }
        )
        school = {level: self._random.choice(ids) for level, ids in _BY_LEVEL.items()}
        program_type = self._random.choice(list(CLUSTERS_OF_TYPE))
        return _Student(person_id, first_grade, school, program_type, self._chance(0.82))

    def _school_year(self, student: _Student, year: int, grade: int) -> None:
        level = "elementary" if grade < 6 else "middle" if grade < 9 else "high"
        school = student.school[level]
        start = datetime(year - 1, 8, 20)
        if self._chance(0.04):
            start += timedelta(days=self._random.randrange(1, 180))
        end = datetime(year, 5, 22) if year < SCOPE_YEARS[-1] and self._chance(0.4) else None
        cte = grade >= 9 and student.takes_cte
        if self._chance(0.02):
            moved = start + timedelta(days=self._random.randrange(5, 90))
            self._enroll(student, year, grade, school, start, moved - timedelta(days=1), cte=cte)
            school, start = self._random.choice(_BY_LEVEL[level]), moved
        elif self._chance(0.03):
            end = start + timedelta(days=self._random.randrange(0, 150))
        self._enroll(student, year, grade, school, start, end, cte=cte)
        if cte and grade >= 11 and self._chance(0.25):
            self._career_center(student, year, grade, start)
        if level == "high" and self._chance(0.03):
            summer = datetime(year, 6, 1)
            self._enroll(student, year, grade, school, summer, datetime(year, 7, 17), cte=cte, calendar="summer")

    def _career_center(self, student: _Student, year: int, grade: int, start: datetime) -> None:
        """Taught at the career center part of the day: often the very same program, entered twice."""
        begin = start if self._chance(0.6) else start + timedelta(days=5)
        self._enroll(student, year, grade, 400, begin, None, cte=True, service="S")

    def _enroll(
        self,
        student: _Student,
        year: int,
        grade: int,
        school: int,
        start: datetime,
        end: datetime | None,
        *,
        cte: bool,
        service: str = "P",
        calendar: str = "regular",
        district: int = 1,
    ) -> None:
        enrollment_id = len(self.tables["Enrollment"]) + 1
        self.tables["Enrollment"].append(
            {
                "enrollmentID": enrollment_id,
                "personID": student.person_id,
                "calendarID": calendar_id(school, year, calendar),
                "districtID": district,
                "endYear": year,
                "grade": f"{grade:02d}" if grade else "KG",
                "serviceType": service if not self._chance(0.01) else self._random.choice(("N", None, " ")),
                "startDate": start + timedelta(minutes=self._random.choice((465, 1439)))
                if self._chance(0.05)
                else start,
                "endDate": end,
                "noShow": True if self._chance(0.008) else self._random.choice((None, None, False)),
                "stateExclude": self._random.choice((None, False)),
            }
        )
        if missouri := self._missouri(student, enrollment_id, cte):
            self.tables["EnrollmentMO"].append(missouri)

    def _missouri(self, student: _Student, enrollment_id: int, cte: bool) -> Row | None:
        row: Row = {"enrollmentID": enrollment_id, "personID": student.person_id}
        if not cte:
            blank = self._random.choice((None, None, "", "  "))
            return row | {"careerCluster": blank, "cteProgramType": blank} if self._chance(0.5) else None
        cluster: str | None = CLUSTERS_OF_TYPE[student.program_type][
            student.person_id % len(CLUSTERS_OF_TYPE[student.program_type])
        ]
        program_type: str | None = student.program_type
        slip = self._random.random()
        if slip < 0.015:
            cluster = self._random.choice((None, "", " "))
        elif slip < 0.03:
            program_type = self._random.choice((None, "", " "))
        elif slip < 0.04:
            cluster, program_type = f" {cluster}", f"{program_type} "
        elif slip < 0.05:
            cluster = f"{int(cluster or 0):02d}"
        return row | {"careerCluster": cluster, "cteProgramType": program_type}

    def _neighbors(self, year: int) -> None:
        """Students of the other district, some of whom attend the first one too."""
        for number in range(NEIGHBORS):
            shared = self.tables["Person"][number * 60 + 3]["personID"]
            student = _Student(shared, 9, {}, self._random.choice(list(CLUSTERS_OF_TYPE)), True)
            self._enroll(student, year, 11, 900, datetime(year - 1, 8, 18), None, cte=True, district=2)
