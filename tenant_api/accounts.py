"""Through which connected account a platform sells. Called by billing.py, portals.py and reconcile.

Every call for a platform goes through here, so none can be made without its account, or for one that has left.
"""

from shared.adapters.stripe_gateway import StripeAccount, StripeGateway
from shared.billing.records import BillingRecord
from shared.domain.errors import Conflict
from tenant_api.repositories.connections import Connections


class Accounts:
    """Connected accounts; `live` is the mode of the operator's key."""

    def __init__(self, gateway: StripeGateway, connections: Connections, *, live: bool) -> None:
        self._gateway = gateway
        self._connections = connections
        self._live = live

    async def selling(self, platform_id: str) -> StripeAccount:
        """The platform's account. Raises Conflict where there is none, it has left, or it is of the other mode."""
        connection = await self._connections.of_platform(platform_id)
        if connection is None or not connection.connected:
            raise Conflict("This platform can't take payments yet: connect Stripe first.", reason="not_connected")
        if connection.livemode != self._live:
            raise Conflict(
                "This platform's Stripe account is connected in the other mode; connect Stripe again.",
                reason="other_mode",
            )
        return self._gateway.connected(connection.account_id)

    def of(self, record: BillingRecord) -> StripeAccount:
        """The account on which somebody is a customer."""
        return self._gateway.connected(record.account)
