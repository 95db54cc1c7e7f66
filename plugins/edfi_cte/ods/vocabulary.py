"""The words of the Ed-Fi APIs' own sentences: what is kept of what a server says, since any other may be a name.

The lower-case words stand in the refusals of ODS/API 5.3 to 7.3 and of the Data Management Service, and in English
sentences like them. A capitalized word stays where it names something of Ed-Fi or begins a sentence.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LOWER = _words(
    """
    a about above accepted access action active address against align all allowed already also an and another
    answer any api apis are as assigned assignment associated association associations at attempt attempting
    attempts authorization authorize authorized available avoid based be because been before begin belongs
    between body but by caller caller's calls can can't cannot change changed characters check city claim claims
    client cluster code codes collection column columns comma completed concurrency configuration configured
    conflict conflicting conflicts constraint construct construction consumer contact contain contained contains
    content context convert converted converting correct correlation corresponding could couldn't create created
    current data database date dates days dependency descriptor descriptors detail details did different do does
    doesn't due duplicate duplicated during each earlier education either empty end enrolled enrollment entity
    enumerable error errors establish established etag every exceeded exist existing exists expected expired
    failed failure failure's failures feature field fields file filled following for format found from gateway
    given greater has have header hierarchy hint http id identifier identifiers identifying identity if in
    incorrectly index indicated instead integer internal into invalid is isn't it item item's items its key keys
    kind later leading least left length less like limit list local long matches matching max maximum may
    message method minimum missing modified more most multiple must name named names namespace natural necessary
    need needed neither no non none nor not null number numeric object occurred of off omitted on once one only
    operation or ordinal organization organization's organizations other out page parameter parameters part
    parts pascal password path paths percent permission permissions permitted person persons place point policy
    position positions positive possible present primary problem problems process processed processing profile
    program programs properties property provided purposes query range read reason received recognized record
    records reference referenced references refused rejected related relationship relationships repeated request
    requested requests require required requires reserved resolve resolved resource resource's resources
    response restricted retry review role root rule same schema school schools scope second seconds secret sent
    server service services set settings several should single size snapshot source space spaces specified staff
    start starts state status still string student student's students subordinate such supplied support
    supported surrounding system systems tab table target term than that the their them themselves there
    therefore these they this those through time timed to token too trailing transaction try two type types
    unable unauthorized unexpected unique unit unknown unresolved unspecified until unused up update updated
    updates uri usable use used user using usi valid validation value value's values version via violated
    violation was were what when where whether which while whitespace will with within without write wrong year
    years you your zero begins birth branch career cip credential cte degree description entry exit grade
    graduation indicator language level location participation pathway postal race sector session sex shape
    skill skills technical text assessment general competency objective exited uploaded usage unsupported agency
    """
)
"""Beside them stand, in :data:`_CAPITALIZED`, what Ed-Fi calls things."""

_CAPITALIZED = _words(
    """
    API DMS ETag Ed Fi GET HTML HTTP ID JSON ODS POST PUT DELETE SQL URI USI UUID CTE CIP LEA DateTime Data
    Descriptor Education Management Organization Profile Program School Service Staff Standard Student System
    Descriptors Programs Schools Students Path String Int None No I
    """
)
_NAMES_OF_PEOPLE_TOO = _words(
    """
    may will read state city grade school page
    """
)
"""Words that begin no sentence of a server's, and may be a person's name."""

_PART = re.compile(r"[A-Z]?[a-z']+|[A-Z]+(?![a-z])")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_START = re.compile(r"(?:\A|[.:;!?(]\s*|\n\s*|[-\u2022]\s+)\Z")


def known_words(text: str, gap: str) -> str:
    """``text`` with a gap in place of each word that no server's own sentence has."""

    def kept(found: re.Match[str]) -> str:
        return found.group() if _is_known(found.group(), text[: found.start()]) else gap

    return _WORD.sub(kept, text)


def _is_known(word: str, before: str) -> bool:
    if word in _LOWER or word in _CAPITALIZED:
        return True
    if not word.isascii():
        return False
    parts = _PART.findall(word)
    if len(parts) > 1 and "".join(parts) == word:
        # A name of Ed-Fi's, such as beginDate or ProgramTypeDescriptor.
        return all(part.lower() in _LOWER for part in parts)
    first = word.lower()
    return word.istitle() and first in _LOWER - _NAMES_OF_PEOPLE_TOO and bool(_START.search(before))
