"""A small, strict Ed-Fi API for the resources around the CTE sync. `sandbox/README.md` tells how to use it.

from sandbox.ods import serve

with serve(api="7.3") as ods:
    ods.base_url, ods.key, ods.secret     # for the client under test
    ods.control.count("POST", status=201)  # what it did
"""

from sandbox.ods.control import Control, ControlError, LoggedRequest
from sandbox.ods.faults import Fault
from sandbox.ods.serving import RunningOds, SandboxError, serve

__all__ = ["Control", "ControlError", "Fault", "LoggedRequest", "RunningOds", "SandboxError", "serve"]
