"""`python -m sandbox.ods.benchmark`: how many fully checked upserts a second the sandbox takes.

A bare aiohttp client in this process posts distinct associations over keep-alive connections to a sandbox in another
process; the number is what a loader on the same machine could reach at most.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiohttp

from sandbox.ods.seed import DISTRICT, PROGRAM, SCHOOL, builtin_seed
from sandbox.ods.serving import RunningOds, serve

_GRADE = "uri://ed-fi.org/GradeLevelDescriptor#Eleventh grade"


def _seed(students: int) -> dict[str, list[dict[str, Any]]]:
    """The built-in district with as many enrolled students as asked for."""
    seed = builtin_seed()
    for number in _students(students):
        seed["students"].append(
            {"studentUniqueId": number, "firstName": "A", "lastSurname": "B", "birthDate": "2008-01-01"}
        )
        seed["studentSchoolAssociations"].append(
            {
                "entryDate": "2025-08-18",
                "schoolReference": {"schoolId": SCHOOL},
                "studentReference": {"studentUniqueId": number},
                "entryGradeLevelDescriptor": _GRADE,
            }
        )
    return seed


def _students(count: int) -> list[str]:
    return [f"2{number:09d}" for number in range(count)]


def _documents(students: int, count: int) -> Iterator[bytes]:
    """`count` associations with natural keys of their own."""
    numbers = _students(students)
    for index in range(count):
        year, student = divmod(index, students)
        document = {
            "beginDate": f"{2000 + year}-08-18",
            "educationOrganizationReference": {"educationOrganizationId": DISTRICT},
            "programReference": {
                "educationOrganizationId": DISTRICT,
                "programName": PROGRAM,
                "programTypeDescriptor": f"uri://ed-fi.org/ProgramTypeDescriptor#{PROGRAM}",
            },
            "studentReference": {"studentUniqueId": numbers[student]},
            "nonTraditionalGenderStatus": False,
            "cteProgramServices": [
                {
                    "cteProgramServiceDescriptor": "uri://ed-fi.org/CTEProgramServiceDescriptor#Health Science",
                    "cipCode": "51.0000",
                    "primaryIndicator": True,
                    "serviceBeginDate": f"{2000 + year}-08-18",
                }
            ],
        }
        yield json.dumps(document).encode()


async def _post_all(ods: RunningOds, bodies: list[bytes], connections: int) -> tuple[float, Counter[int]]:
    """Posts the bodies over so many connections: (seconds, statuses)."""
    statuses: Counter[int] = Counter()
    waiting = iter(bodies)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        form = {"grant_type": "client_credentials", "client_id": ods.key, "client_secret": ods.secret}
        async with session.post(f"{ods.base_url}/oauth/token", data=form) as answer:
            token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        url = f"{ods.base_url}/data/v3/ed-fi/studentCTEProgramAssociations"

        async def worker() -> None:
            for body in waiting:
                async with session.post(url, data=body, headers=headers) as answer:
                    statuses[answer.status] += 1

        started = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(connections)))
        return time.perf_counter() - started, statuses


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.ods.benchmark", description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--students", type=int, default=5_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--api", default="7.3")
    arguments = parser.parse_args()
    bodies = list(_documents(arguments.students, arguments.records))
    with serve(_seed(arguments.students), api=arguments.api) as ods:
        for title in ("new", "unchanged"):
            seconds, statuses = asyncio.run(_post_all(ods, bodies, arguments.connections))
            print(f"{title}: {len(bodies) / seconds:,.0f} upserts/s ({dict(statuses)} in {seconds:.1f} s)")


if __name__ == "__main__":
    main()
