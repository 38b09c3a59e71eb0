"""Accounts and who is connected to the platform. `oauth` connects them, the API reads them, `control` changes them.

An account is an object of its own namespace; that it is connected is a note in the platform's.
"""

from typing import Any

from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.config import PLATFORM
from infra.sandbox.stripe.errors import Object, Refusal
from infra.sandbox.stripe.ids import fresh
from infra.sandbox.stripe.store import Store

CONNECTION = "_connection"
CHANGEABLE = frozenset({"business_name", "charges_enabled", "country", "details_submitted", "email", "payouts_enabled"})


def blank(account_id: str, now: int, email: str | None = None, name: str | None = None) -> Object:
    return {
        "id": account_id,
        "object": "account",
        "business_profile": {"name": name, "url": None},
        "business_type": None,
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account" if account_id == PLATFORM else "application"},
        "country": "US",
        "created": now,
        "default_currency": "usd",
        "details_submitted": True,
        "email": email,
        "metadata": {},
        "payouts_enabled": True,
        "requirements": {"currently_due": [], "disabled_reason": None, "eventually_due": [], "past_due": []},
        "settings": {"dashboard": {"display_name": name, "timezone": "Etc/UTC"}},
        "type": "standard",
    }


def create(store: Store, now: int, email: str | None, name: str | None, account_id: str | None = None) -> Object:
    account = blank(account_id or fresh("account"), now, email, name)
    store.put(account["id"], account)
    return account


def find(store: Store, account_id: str) -> Object | None:
    return store.get(account_id, "account", account_id)


def known(store: Store) -> list[Object]:
    """Every account of the sandbox but the platform's, oldest first."""
    rows = store.sql("SELECT account FROM objects WHERE kind = 'account' AND account != ? ORDER BY seq", PLATFORM)
    return [account for (name,) in rows if (account := find(store, name)) is not None]


def changed(before: Object, given: dict[str, Any]) -> Object:
    unknown = set(given) - CHANGEABLE
    if unknown:
        raise Refusal(f"An account has no {', '.join(sorted(unknown))} to change here.")
    after = before | {name: value for name, value in given.items() if name != "business_name"}
    if "business_name" in given:
        after["business_profile"] = before["business_profile"] | {"name": given["business_name"]}
    return after


def is_connected(store: Store, account_id: str) -> bool:
    return store.get(PLATFORM, CONNECTION, account_id) is not None


def connect(store: Store, account_id: str) -> None:
    store.put(PLATFORM, {"id": account_id, "object": CONNECTION})


def disconnect(books: Books, client_id: str) -> None:
    """Taken off the platform, and the platform told; `books` are those of the account that leaves."""
    application = {"id": client_id, "object": "application", "name": "dream-api sandbox"}
    books.emit("account.application.deauthorized", application)
    books.store.sql("DELETE FROM objects WHERE account = ? AND id = ?", PLATFORM, books.account)


def no_access(account_id: str) -> Refusal:
    """The same for an account that left, that never came, and that doesn't exist."""
    return Refusal(
        f"The provided key 'sk_test_***' does not have access to account '{account_id}' (or that account does not"
        " exist). Application access may have been revoked.",
        status=403,
        code="account_invalid",
        executed=False,
    )


def retrieve(books: Books, _params: dict[str, Any], account_id: str) -> Object:
    """Its own account, or one connected to the platform."""
    if account_id != books.account and (books.connected or not is_connected(books.store, account_id)):
        raise no_access(account_id)
    found = find(books.store, account_id)
    if found is None and account_id == PLATFORM:
        return create(books.store, books.now, "operator@example.com", "The operator", PLATFORM)
    if found is None:
        raise no_access(account_id)
    return found


def retrieve_own(books: Books, params: dict[str, Any]) -> Object:
    return retrieve(books, params, books.account)
