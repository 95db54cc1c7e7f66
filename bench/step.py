"""``python -m bench.step``: one step of the sync in a process of its own; the order comes as JSON by stdin."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from bench.lanes import Place, run_here


def main() -> None:
    """Write the step's figures as JSON."""
    order = json.load(sys.stdin)
    (step,) = run_here(Place(**order["place"]), order["run_id"], [order["step"]], **order["options"])
    json.dump(asdict(replace(step, peak_mib=_peak_mib())), sys.stdout)


def _peak_mib() -> float:
    """The most memory that this program has had; ru_maxrss would count what its parent had before the exec, too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
