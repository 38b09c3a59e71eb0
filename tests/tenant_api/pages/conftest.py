"""The world of billing serves here too: two instances of tenant_api, a Clerk that keeps users, a Stripe."""

from tests.tenant_api.billing.conftest import calm_world, folders_world

__all__ = ["calm_world", "folders_world"]
