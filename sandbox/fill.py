"""``python -m sandbox.fill URL SEED``: post a seed file to an empty Ed-Fi API, such as that of the Alliance's images.

SEED is what ``python -m sandbox.campus seed`` prints. The key and secret come from EDFI_KEY and EDFI_SECRET. The key
must be allowed to write education organizations (claim set "Ed-Fi Sandbox").
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from edfi_cte.ods import EdFiClient, EdFiConfig, EdFiError
from edfi_cte.ods.bulk import for_each

# Each resource after those that it refers to; descriptors come before them all. An ODS brings its schoolYearTypes.
ORDER = (
    "localEducationAgencies",
    "schools",
    "programs",
    "students",
    "studentSchoolAssociations",
    "studentCTEProgramAssociations",
    "studentProgramAssociations",
)


def main(arguments: list[str] | None = None) -> int:
    """0; 1 if anything was refused; 2 for a wrong use."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.fill", description=__doc__)
    parser.add_argument("url", help="the root of the API")
    parser.add_argument("seed", type=Path, help="a JSON file: resource name to documents")
    options = parser.parse_args(arguments)
    key, secret = os.environ.get("EDFI_KEY"), os.environ.get("EDFI_SECRET")
    if not key or not secret:
        parser.error("set EDFI_KEY and EDFI_SECRET")
    config = EdFiConfig(base_url=options.url, client_id=key, client_secret=secret, allow_http=True)
    try:
        return asyncio.run(fill(config, json.loads(options.seed.read_text())))
    except EdFiError as error:
        print(error, file=sys.stderr)
        return 1


async def fill(config: EdFiConfig, seed: dict[str, list[dict[str, Any]]]) -> int:
    """Post the documents, resource by resource; 1 if one was refused, else 0. POST is an upsert, so again is fine."""
    refused = False
    async with EdFiClient(config) as client:
        for resource in (*(name for name in seed if name.endswith("Descriptors")), *ORDER):

            async def post(document: dict[str, Any], resource: str = resource) -> str:
                written = await client.upsert(resource, document)
                return "created" if written.created else "known"

            result = await for_each(seed.get(resource, []), post, workers=config.concurrency)
            print(
                f"{resource}: {result.done['created']:,} created, {result.done['known']:,} known. {result}".rstrip()
            )
            refused = refused or bool(result.failed)
    return int(refused)


if __name__ == "__main__":
    sys.exit(main())
