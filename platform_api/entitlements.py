"""Which plan a developer's calls are counted against: what is paid for, else what their token says, else free.

Called by usage.py on every call. The stored record wins both ways: a payment counts on the very next call although the
token still says free, and a cancellation although it still says paid.
"""

from platform_api import plans
from shared.adapters.system import Clock
from shared.billing.records import BillingRecords
from shared.domain.principal import Developer
from shared.domain.quota import Quota


class Entitlements:
    """`records` is None where the operator has set up no billing."""

    def __init__(self, records: BillingRecords | None, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def quota(self, developer: Developer) -> Quota:
        """What the developer may use now."""
        record = None if self._records is None else await self._records.find(developer.user_id)
        return plans.named(developer.plan_claim if record is None else record.plan_at(self._clock()))
