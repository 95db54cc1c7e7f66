"""An unchanged source row is read no further: its digest must change with whatever a driver may give."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from edfi_cte.sync.extract import source_hash

ROW = (7, "1000000001", datetime(2025, 8, 20), None, "P", "0410", "Health", "8", None, None, None, None)  # noqa: DTZ001


class DriversOwn:
    """A value of a type that only its driver knows."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"own({self.value})"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 8),
        (0, 2**70),
        (0, Decimal(7)),
        (1, "1000000002"),
        (1, None),
        (1, ""),
        (1, "10000000\ud800"),
        (2, datetime(2025, 8, 20, 1)),  # noqa: DTZ001
        (2, date(2025, 8, 20)),
        (3, datetime(2025, 8, 20)),  # noqa: DTZ001
        (4, "p"),
        (4, b"P"),
        (7, 8),
        (11, DriversOwn(1)),
    ],
)
def test_another_value_has_another_digest(place: int, value: object):
    changed = (*ROW[:place], value, *ROW[place + 1 :])
    assert source_hash(changed) == source_hash(tuple(changed))
    assert source_hash(changed) != source_hash(ROW)


def test_values_that_pass_each_other_have_other_digests():
    assert source_hash((1, "ab", "c")) != source_hash((1, "a", "bc"))
    assert source_hash((1, None, "a")) != source_hash((1, "a", None))
    assert source_hash((1, DriversOwn(1))) != source_hash((1, DriversOwn(2)))
