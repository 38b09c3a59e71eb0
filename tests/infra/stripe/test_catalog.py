"""Customers, products, prices and the account namespaces they live in."""

import pytest
import stripe

from tests.infra.stripe.sandbox import Sandbox, connected, of


async def test_ids_of_one_account_mean_nothing_in_another(sandbox: Sandbox) -> None:
    first, second = await connected(sandbox, "acct_a"), await connected(sandbox, "acct_b")
    price = await sandbox.price(account=first)
    customer = await sandbox.ask.customers.create_async({"email": "a@example.com"}, of(first))
    for account in (second, None):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await sandbox.ask.prices.retrieve_async(price.id, None, of(account))
        assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")
        with pytest.raises(stripe.InvalidRequestError):
            await sandbox.checkout(price.id, account)
        assert (await sandbox.ask.customers.list_async({"email": "a@example.com"}, of(account))).data == []
    assert (await sandbox.ask.customers.retrieve_async(customer.id, None, of(first))).email == "a@example.com"
    assert (await sandbox.ask.events.list_async(None, of(first))).data[0].account == first
    assert (await sandbox.ask.events.list_async()).data == []


async def test_a_customer_is_changed_found_and_deleted(sandbox: Sandbox) -> None:
    customer = await sandbox.ask.customers.create_async(
        {"email": "a@example.com", "name": "Ann", "metadata": {"user": "u1", "old": "1"}}
    )
    changed = await sandbox.ask.customers.update_async(customer.id, {"name": "", "metadata": {"old": "", "new": "2"}})
    assert (changed.name, changed.metadata.to_dict()) == (None, {"user": "u1", "new": "2"})
    for query in ("email:'a@example.com'", "metadata['user']:'u1' AND metadata['new']:'2'"):
        found = await sandbox.ask.customers.search_async({"query": query})
        assert [one.id for one in found.data] == [customer.id]
    await sandbox.ask.customers.delete_async(customer.id)
    assert (await sandbox.ask.customers.search_async({"query": "email:'a@example.com'"})).data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        await sandbox.ask.customers.update_async(customer.id, {"name": "x"})


async def test_a_lookup_key_moves_only_when_it_is_transferred(sandbox: Sandbox) -> None:
    product = await sandbox.ask.products.create_async({"name": "Pro"})
    params = {"product": product.id, "currency": "usd", "recurring": {"interval": "month"}, "lookup_key": "pro"}
    old = await sandbox.ask.prices.create_async(params | {"unit_amount": 1000})
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        await sandbox.ask.prices.create_async(params | {"unit_amount": 2000})
    new = await sandbox.ask.prices.create_async(params | {"unit_amount": 2000, "transfer_lookup_key": True})
    listing = sandbox.ask.prices.list_async
    assert [one.id for one in (await listing({"lookup_keys": ["pro"]})).data] == [new.id]
    assert (await sandbox.ask.prices.retrieve_async(old.id)).lookup_key is None
    await sandbox.ask.prices.update_async(old.id, {"active": False})
    assert [one.id for one in (await listing({"product": product.id, "active": True})).data] == [new.id]
    assert [one.id for one in (await listing({"product": product.id})).data] == [new.id, old.id]


async def test_a_product_keeps_its_own_id_and_metadata(sandbox: Sandbox) -> None:
    create = sandbox.ask.products.create_async
    product = await create({"id": "tier_pro", "name": "Pro", "metadata": {"tier": "pro"}})
    assert (product.id, product.metadata["tier"]) == ("tier_pro", "pro")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await create({"id": "tier_pro", "name": "Pro"})
    assert refused.value.code == "resource_already_exists"
    renamed = await sandbox.ask.products.update_async("tier_pro", {"name": "Pro 2", "active": False})
    assert (renamed.name, renamed.active) == ("Pro 2", False)
    assert (await sandbox.ask.products.list_async({"active": True})).data == []
