"""Lists as CSV, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from fastapi.responses import Response

from edfi_cte.ledger.columns import cell

MOST = 50_000


def csv_of(name: str, columns: Sequence[str], lines: Iterable[Sequence[Any]]) -> Response:
    """A file to save. It ends at ``MOST`` lines, and then says so in its last."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    lines = iter(lines)
    writer.writerows([cell(value) for value in line] for line in islice(lines, MOST))
    if next(lines, None) is not None:
        writer.writerow([f"more than {MOST:,} lines: 'edfi-cte list --csv' gives them all"])
    # A part of the name may be the address's own, and a header takes no other signs.
    plain = re.sub(r"[^\w.-]", "-", name, flags=re.ASCII)
    headers = {"Content-Disposition": f'attachment; filename="{plain}.csv"'}
    # The mark tells Excel that it is UTF-8.
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)
