"""Faults on demand, deterministic by seed.

Whether a request meets a fault is drawn from a hash of the seed, the rule, the request and how often this very
request came before: the same requests meet the same faults, in whatever order a concurrent client sends them. What
a request is, the application says (`Application.identity`): ids, which differ from run to run, play no part in it.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from statistics import NormalDist
from typing import Annotated, Any, Literal

import msgspec

from sandbox.ods.messages import Request

FaultKind = Literal["latency", "status", "drop", "truncate", "stall"]
When = Literal["before", "after"]
Distribution = Literal["constant", "uniform", "normal", "exponential", "lognormal"]


class FaultError(ValueError):
    """A fault rule that makes no sense; the message says why."""


@dataclass(frozen=True)
class Fault:
    """One rule.

    `kind`: `latency` (wait), `status` (answer with an error instead), `drop` (close the connection), `truncate`
    (send half of the body, or of the head where there is no body, and close), `stall` (never answer).
    `when`: before or after the request is carried out; for `status`, `drop` and `stall`.
    `rate`: share of matching requests, 0 to 1. `times`: at most so many requests (None: no limit). `skip`: let so
    many matching requests pass first. `method` and `path` (a part of it, any case) choose the requests.
    `seconds` and `spread`: latency's mean and spread by `distribution` (uniform: mean ± spread; normal and
    lognormal: standard deviation; exponential: no spread).
    `status`, `retry_after` (seconds or a HTTP date) and `html` (a gateway's page instead of the API's body): for
    `status`.
    """

    kind: FaultKind
    method: str = ""
    path: str = ""
    rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    times: int | None = None
    skip: int = 0
    when: When = "before"
    status: int = 503
    retry_after: str | int | None = None
    html: bool = False
    seconds: float = 0.0
    spread: float = 0.0
    distribution: Distribution = "constant"

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Fault:
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(document) - known)
        if unknown:
            raise FaultError(
                f"Unknown settings of a fault: {', '.join(unknown)}; known are {', '.join(sorted(known))}."
            )
        if document.get("kind") not in FaultKind.__args__:  # type: ignore[attr-defined]
            raise FaultError(f"A fault's kind is one of {', '.join(FaultKind.__args__)}.")  # type: ignore[attr-defined]
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise FaultError(str(error)) from error

    def matches(self, request: Request) -> bool:
        return (
            not self.method or self.method.upper() == request.method
        ) and self.path.lower() in request.path.lower()

    def delay(self, draw: float) -> float:
        """Seconds to wait, for a draw from 0 to 1."""
        match self.distribution:
            case "uniform":
                seconds = self.seconds + self.spread * (2 * draw - 1)
            case "normal":
                seconds = NormalDist(self.seconds, self.spread or 1e-9).inv_cdf(_inside(draw))
            case "exponential":
                seconds = -self.seconds * math.log(1 - _inside(draw))
            case "lognormal":
                shape = math.sqrt(math.log(1 + (self.spread / self.seconds) ** 2)) if self.seconds else 0.0
                median = math.log(self.seconds or 1e-9) - shape**2 / 2
                seconds = math.exp(NormalDist(median, shape or 1e-9).inv_cdf(_inside(draw)))
            case _:
                seconds = self.seconds
        return max(0.0, seconds)


def _inside(draw: float) -> float:
    return min(max(draw, 1e-9), 1 - 1e-9)


@dataclass(frozen=True)
class Verdict:
    """What is to happen to one request: a delay, and at most one other fault."""

    delay: float = 0.0
    fault: Fault | None = None


NO_FAULT = Verdict()


@dataclass
class _Rule:
    fault: Fault
    met: int = 0
    struck: int = 0
    seen: Counter[bytes] = field(default_factory=Counter)


class Faults:
    """The rules in force."""

    def __init__(self, identity: Callable[[Request], bytes]) -> None:
        self._identity = identity
        self._rules: list[_Rule] = []
        self._seed = 0

    def set(self, faults: list[Fault], seed: int = 0) -> None:
        """Replaces all rules; counting starts anew."""
        self._rules = [_Rule(fault) for fault in faults]
        self._seed = seed

    @property
    def struck(self) -> list[int]:
        """How many requests each rule struck."""
        return [rule.struck for rule in self._rules]

    def judge(self, request: Request) -> Verdict:
        """What the rules say about a request; the first rule that isn't latency wins, latencies add up."""
        if not self._rules:
            return NO_FAULT
        delay = 0.0
        chosen: Fault | None = None
        for index, rule in enumerate(self._rules):
            if not rule.fault.matches(request) or (chosen and rule.fault.kind != "latency"):
                continue
            draw = self._draw(index, rule, request)
            if draw is None:
                continue
            if rule.fault.kind == "latency":
                delay += rule.fault.delay(draw)
            else:
                chosen = rule.fault
        return Verdict(delay, chosen)

    def _draw(self, index: int, rule: _Rule, request: Request) -> float | None:
        """None if the rule passes this request; else a second draw, for the delay."""
        rule.met += 1
        if rule.met <= rule.fault.skip or (rule.fault.times is not None and rule.struck >= rule.fault.times):
            return None
        key = hashlib.blake2b(self._identity(request), digest_size=16).digest()
        rule.seen[key] += 1
        text = f"{self._seed}/{index}/{rule.seen[key]}/".encode() + key
        digest = hashlib.blake2b(text, digest_size=16).digest()
        first = int.from_bytes(digest[:8], "big") / 2**64
        if first >= rule.fault.rate:
            return None
        rule.struck += 1
        return int.from_bytes(digest[8:], "big") / 2**64
