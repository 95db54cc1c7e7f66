"""What is known of the mapping while the ODS is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edfi_cte.associations.model import digest
from edfi_cte.sync.known import Known

IDS = st.integers(0, 30).map(lambda n: digest(str(n)))


@given(st.dictionaries(IDS, IDS), st.lists(IDS))
def test_it_tells_what_came_as_two_plain_sets_would(mapped: dict[str, str], came: list[str]):
    pairs = list(mapped.items())
    known, met = Known([pairs[:3], pairs[3:]]), set[str]()
    for ods_id in came:
        assert known.add(ods_id) == (ods_id not in met)
        met.add(ods_id)
        assert len(known) == len(met)
    assert known.met == len(met & mapped.keys())
    assert known.complete == (mapped.keys() <= met)
    for n in range(31):
        ods_id = digest(str(n))
        assert known.has_met(ods_id) == (ods_id in met)
        assert known.was_sent(ods_id, digest("0")) == (mapped.get(ods_id) == digest("0"))
