"""What the mapping says of a target's records, in memory while the ODS is read: eight bytes an id and a digest."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

Pair = tuple[str, str]

_PARTS = 256
_SHIFT = 56
"""A hash's highest eight bits are its part's number, from the lowest hashes to the highest."""


class Known:
    """The ODS ids of mapped records, each with the digest of what was sent; and which ids a reading has met.

    Kept by hashes of 64 bits in two sorted arrays: 3 MiB for 200,000. Were two ids' hashes ever equal, the second
    would be taken for one that has come before, and the reading for one cut short. The digest is cut to 64 bits.
    """

    def __init__(self, pairs: Iterable[Sequence[Pair]]) -> None:
        # Sorted by parts: to sort all at once would take ten times the memory of what comes out.
        parts = [(array("q"), array("Q")) for _ in range(_PARTS)]
        for page in pairs:
            for ods_id, payload_hash in page:
                at = hash(ods_id)
                ids, sent = parts[(at >> _SHIFT) + _PARTS // 2]
                ids.append(at)
                sent.append(_short(payload_hash))
        self._ids, self._sent = array("q"), array("Q")
        while parts:
            ids, sent = parts.pop()
            order = sorted(range(len(ids)), key=ids.__getitem__, reverse=True)
            self._ids.extend(map(ids.__getitem__, order))
            self._sent.extend(map(sent.__getitem__, order))
        self._ids.reverse()
        self._sent.reverse()
        self._met = bytearray(len(self._ids))
        self._strangers: set[int] = set()
        self.met = 0
        """How many of the mapped ids have come."""

    def __len__(self) -> int:
        """How many ids have come, mapped or not."""
        return self.met + len(self._strangers)

    def add(self, ods_id: str) -> bool:
        """Whether it is the first time that this id comes."""
        place = self._place(ods_id)
        if place is None:
            before = len(self._strangers)
            self._strangers.add(hash(ods_id))
            return len(self._strangers) > before
        if self._met[place]:
            return False
        self._met[place] = 1
        self.met += 1
        return True

    def has_met(self, ods_id: str) -> bool:
        """Whether this id has come."""
        place = self._place(ods_id)
        return hash(ods_id) in self._strangers if place is None else bool(self._met[place])

    def was_sent(self, ods_id: str, payload_hash: str) -> bool:
        """Whether this is what was sent for the id, as the mapping has it."""
        place = self._place(ods_id)
        return place is not None and self._sent[place] == _short(payload_hash)

    @property
    def complete(self) -> bool:
        """Whether every mapped id has come."""
        return self.met == len(self._ids)

    def _place(self, ods_id: str) -> int | None:
        wanted = hash(ods_id)
        place = bisect_left(self._ids, wanted)
        return place if place < len(self._ids) and self._ids[place] == wanted else None


def _short(payload_hash: str) -> int:
    return int(payload_hash[:16], 16)
