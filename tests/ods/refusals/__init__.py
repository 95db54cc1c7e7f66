"""Every refusal that the Ed-Fi APIs in service are known to give, and the error it must become."""

from tests.ods.refusals.dms import DMS, GATEWAY
from tests.ods.refusals.problems import FROM_7_2
from tests.ods.refusals.rows import STUDENT, Refusal
from tests.ods.refusals.text import UP_TO_7_1

REFUSALS = (*UP_TO_7_1, *FROM_7_2, *DMS, *GATEWAY)

__all__ = ["REFUSALS", "STUDENT", "Refusal"]
