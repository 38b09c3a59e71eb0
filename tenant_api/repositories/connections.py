"""What billing keeps of a platform beside its tiers: the connected account, its portal, and where it may return to."""

from dataclasses import dataclass

from shared.adapters.dynamodb import put
from shared.billing.connections import ConnectedAccounts
from shared.records.tenant_config import PlatformSettings, settings_key


@dataclass(frozen=True, slots=True)
class PortalConfiguration:
    """The portal made on an account; `terms` is a hash of what it offers."""

    account_id: str
    configuration_id: str
    terms: str


class Connections(ConnectedAccounts):
    """The `portal` and `settings` items of platforms, beside whose account is whose."""

    async def settings(self, platform_id: str) -> PlatformSettings:
        return PlatformSettings.from_item(await self._dynamo.get(self._table, settings_key(platform_id)))

    async def portal(self, platform_id: str) -> PortalConfiguration | None:
        item = await self._dynamo.get(self._table, _portal_key(platform_id))
        return None if item is None else PortalConfiguration(item["accountId"], item["configurationId"], item["terms"])

    async def save_portal(self, platform_id: str, portal: PortalConfiguration) -> None:
        known = {"accountId": portal.account_id, "configurationId": portal.configuration_id, "terms": portal.terms}
        await self._dynamo.write(put(self._table, _portal_key(platform_id) | known))


def _portal_key(platform_id: str) -> dict[str, str]:
    return {"pk": f"platform:{platform_id}", "sk": "portal"}
