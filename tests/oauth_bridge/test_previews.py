"""Preview links: made for one platform, for a day, and gone when they are revoked."""

import asyncio
import os

import pytest

from oauth_bridge.platforms import Platforms
from oauth_bridge.previews import Preview, Previews
from oauth_bridge.repositories.platform_credentials import PlatformCredentials
from oauth_bridge.repositories.preview_keys import PreviewKeys
from shared.adapters.dynamodb import Dynamo
from shared.domain.principal import Developer
from shared.records.preview import claimed, genuine, key_from_item, preview_key
from tests.clocks import SetClock
from tests.oauth_bridge.sides import PlatformSide, created

pytestmark = pytest.mark.store

ANNA, BERT = Developer("user_anna", None), Developer("user_bert", None)
PAGES = "https://api.example.com"


@pytest.fixture
async def previews(dynamo: Dynamo, prefix: str, platform: PlatformSide, clock: SetClock) -> Previews:
    for developer in (ANNA, BERT):
        await platform.change(created(), clock.now, user_id=developer.user_id)
    platforms = Platforms(PlatformCredentials(dynamo, prefix + "platform-tokens"))
    return Previews(platforms, PreviewKeys(dynamo, prefix + "tenant-tokens"), PAGES, clock, os.urandom)


async def shows(dynamo: Dynamo, prefix: str, preview: Preview, clock: SetClock) -> bool:
    """As tenant_api decides it: by the token, and the key of the platform that it names."""
    assert preview.url.startswith(PAGES + "/preview/")
    claim = claimed(preview.url.rpartition("/")[2])
    assert claim is not None
    key = key_from_item(await dynamo.get(prefix + "tenant-tokens", preview_key(claim.platform_id)))
    return key is not None and genuine(claim, key, clock.now.timestamp())


async def test_a_link_is_good_for_a_day(dynamo: Dynamo, prefix: str, previews: Previews, clock: SetClock) -> None:
    made = await previews.make(ANNA)
    assert (made.expires_at - clock.now).total_seconds() == 24 * 3600
    clock.advance(hours=23, minutes=59)
    assert await shows(dynamo, prefix, made, clock)
    clock.advance(minutes=1)
    assert not await shows(dynamo, prefix, made, clock)


async def test_revoking_ends_every_link_of_this_developer_and_of_no_other(
    dynamo: Dynamo, prefix: str, previews: Previews, clock: SetClock
) -> None:
    mine = await asyncio.gather(*(previews.make(ANNA) for _ in range(5)))  # the first ones make the key at once
    theirs = await previews.make(BERT)
    assert all([await shows(dynamo, prefix, one, clock) for one in mine])
    await previews.revoke(ANNA)
    assert not any([await shows(dynamo, prefix, one, clock) for one in mine])
    assert await shows(dynamo, prefix, theirs, clock)
    assert await shows(dynamo, prefix, await previews.make(ANNA), clock)
