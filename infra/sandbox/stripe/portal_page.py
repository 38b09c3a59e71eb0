"""The hosted customer portal: `/p/session/{bps_…}`. Change the plan, cancel, undo, pay with another card."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.sandbox.stripe import accounts, ending, portal
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.due import period_end
from infra.sandbox.stripe.errors import Object, Refusal
from infra.sandbox.stripe.form import parse
from infra.sandbox.stripe.page import day, message, money, note, rhythm, shown, text
from infra.sandbox.stripe.world import World

KIND = "billing_portal.session"
MOODS = {"active": "good", "trialing": "good", "past_due": "bad", "unpaid": "bad", "incomplete": "bad"}
Action = Callable[[Books, Object, dict[str, str]], None]


class PortalPage:
    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, request: Request) -> Response:
        found = self._session(request)
        if found is None:
            return _gone()
        books, session = found
        page = _page(books, session)
        if session.get("_problem") or session.get("_done"):
            books.put(session | {"_problem": None, "_done": None})
        return page

    async def post(self, request: Request) -> Response:
        fields = parse((await request.body()).decode("utf-8", "replace"))
        found = self._session(request)
        if found is None:
            return _gone()
        books, session = found
        try:
            with self._world.store.transaction():
                _do(books, session, fields)
                books.put(session | {"_problem": None, "_done": "Your subscription was updated."})
        except Refusal as refusal:
            books.put(session | {"_problem": refusal.message, "_done": None})
        return RedirectResponse(request.url.path, 303)

    def _session(self, request: Request) -> tuple[Books, Object] | None:
        """None when it never was, or is too old: a link to a portal is short-lived."""
        session_id = request.path_params["id"]
        account = self._world.store.account_of(KIND, session_id)
        if account is None:
            return None
        self._world.catch_up()
        books = self._world.books(account)
        session = books.get(KIND, session_id)
        return (books, session) if books.now < session["created"] + portal.SESSION_SECONDS else None


def _gone() -> Response:
    return message("This link has expired", "Go back to the site and open the portal again.", status=410)


def _do(books: Books, session: Object, fields: dict[str, str]) -> None:
    features = portal.configuration_of(books, session)["features"]
    feature, action = ACTIONS.get(fields.get("do", ""), ("", None))
    if action is None or not features[feature]["enabled"]:
        raise Refusal("That can't be done here.")
    action(books, session, fields)


def _change(books: Books, session: Object, fields: dict[str, str]) -> None:
    portal.change_price(books, session, fields["subscription"], fields.get("price", ""))


def _cancel(books: Books, session: Object, fields: dict[str, str]) -> None:
    portal.cancel_later(books, session, fields["subscription"])


def _cancel_now(books: Books, session: Object, fields: dict[str, str]) -> None:
    portal.cancel_now(books, session, fields["subscription"])


def _keep(books: Books, session: Object, fields: dict[str, str]) -> None:
    portal.keep(books, session, fields["subscription"])


def _card(books: Books, session: Object, fields: dict[str, str]) -> None:
    portal.change_card(books, session, fields["subscription"], fields.get("card", ""))


ACTIONS: dict[str, tuple[str, Action | None]] = {
    "change": ("subscription_update", _change),
    "cancel": ("subscription_cancel", _cancel),
    "cancel_now": ("subscription_cancel", _cancel_now),
    "keep": ("subscription_cancel", _keep),
    "card": ("payment_method_update", _card),
}


def _page(books: Books, session: Object) -> Response:
    account = accounts.find(books.store, books.account)
    seller = (account or {}).get("business_profile", {}).get("name") or "The operator"
    subscriptions = books.all("subscription", session["customer"])
    living = [one for one in subscriptions if one["status"] not in ending.ENDED]
    ended = [one for one in subscriptions if one["status"] in ending.ENDED]
    cards = "".join(_subscription(books, session, one) for one in living)
    empty = '<section class="card"><p class="soft">You have no running subscription.</p></section>'
    back = f'<p><a href="{text(session["return_url"])}">← Return to {text(seller)}</a></p>'
    body = (
        f"<section>{back if session['return_url'] else ''}<h1>Your subscription</h1></section>"
        f"{note(session.get('_problem'))}{note(session.get('_done'), 'good')}"
        f"{cards or empty}{_history(books, session, ended)}"
    )
    return shown(f"Billing · {seller}", seller, body)


def _subscription(books: Books, session: Object, subscription: Object) -> str:
    price = subscription["items"]["data"][0]["price"]
    name = text(books.get("product", price["product"])["name"])
    status = subscription["status"]
    tag = f'<span class="tag {MOODS.get(status, "")}">{text(status.replace("_", " "))}</span>'
    when = day(subscription["cancel_at"] or period_end(subscription))
    comes = "Ends" if subscription["cancel_at"] else ("Trial ends" if status == "trialing" else "Renews")
    features = portal.configuration_of(books, session)["features"]
    return (
        f'<section class="card"><h2>{name} {tag}</h2><p class="price">{money(price["unit_amount"], price["currency"])}'
        f' <span class="soft">{text(rhythm(price))}</span></p><p class="soft">{comes} on {when}</p>'
        f"{_change_form(books, session, subscription)}"
        f"{_card_form(subscription) if features['payment_method_update']['enabled'] else ''}"
        f"{_cancel_forms(subscription) if features['subscription_cancel']['enabled'] else ''}</section>"
    )


def _change_form(books: Books, session: Object, subscription: Object) -> str:
    current = subscription["items"]["data"][0]["price"]["id"]
    options = "".join(
        f'<option value="{text(price["id"])}">{text(books.get("product", price["product"])["name"])}: '
        f"{money(price['unit_amount'], price['currency'])} {text(rhythm(price))}</option>"
        for price in portal.offered(books, session)
        if price["id"] != current
    )
    if not options:
        return ""
    label = f'<label for="price-{text(subscription["id"])}">Change plan</label>'
    select = f'<select id="price-{text(subscription["id"])}" name="price">{options}</select>'
    return _form(subscription, "change", f"{label}{select}", "Change plan")


def _card_form(subscription: Object) -> str:
    name = f"card-{text(subscription['id'])}"
    field = (
        f'<label for="{name}">Pay with another card</label>'
        f'<input id="{name}" name="card" inputmode="numeric" value="4242 4242 4242 4242" required>'
    )
    return _form(subscription, "card", field, "Use this card", "quiet")


def _cancel_forms(subscription: Object) -> str:
    later = (
        _form(subscription, "keep", "", "Don't cancel")
        if subscription["cancel_at"]
        else _form(subscription, "cancel", "", "Cancel at the end of the period", "quiet")
    )
    return later + _form(subscription, "cancel_now", "", "Cancel now", "danger")


def _form(subscription: Object, action: str, fields: str, button: str, look: str = "") -> str:
    return (
        f'<form method="post"><input type="hidden" name="subscription" value="{text(subscription["id"])}">{fields}'
        f'<button class="{look}" name="do" value="{action}">{text(button)}</button></form>'
    )


def _history(books: Books, session: Object, ended: list[Object]) -> str:
    invoices = "".join(
        f'<div class="row"><span>{day(one["created"])} · {text(one["status"])}</span>'
        f"<span>{money(one['total'], one['currency'])}</span></div>"
        for one in books.all("invoice", session["customer"])
    )
    past = "".join(f'<p class="soft">Ended on {day(one["ended_at"])}: {text(one["id"])}</p>' for one in ended)
    return f'<section class="card"><h2>Invoices</h2>{invoices or "<p>None yet.</p>"}{past}</section>'
