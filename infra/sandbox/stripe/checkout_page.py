"""The hosted checkout: `/c/pay/{cs_…}`. Shows what is bought, takes a test card, sends the buyer back."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infra.sandbox.stripe import accounts, checkout
from infra.sandbox.stripe.books import Books
from infra.sandbox.stripe.errors import Object, Refusal
from infra.sandbox.stripe.form import parse
from infra.sandbox.stripe.page import day, message, money, note, rhythm, shown, text
from infra.sandbox.stripe.subscription import trial_end_of
from infra.sandbox.stripe.world import World

KIND = "checkout.session"


class CheckoutPage:
    def __init__(self, world: World) -> None:
        self._world = world

    async def get(self, request: Request) -> Response:
        found = self._session(request)
        if found is None:
            return message("This checkout doesn't exist", "Its link may have been copied incompletely.", status=404)
        books, session = found
        if session["status"] == "complete":
            link = (checkout.success_url(session), "Continue")
            return message("You're all done here", "This checkout has been paid already.", link=link)
        if session["status"] == "expired":
            again = (session["cancel_url"], "Back") if session["cancel_url"] else None
            return message("This checkout has expired", "Go back and start a new one.", status=410, link=again)
        return _page(books, session)

    async def post(self, request: Request) -> Response:
        fields = parse((await request.body()).decode("utf-8", "replace"))
        found = self._session(request)
        if found is None:
            return message("This checkout doesn't exist", "Its link may have been copied incompletely.", status=404)
        books, session = found
        if session["status"] == "complete":
            return RedirectResponse(checkout.success_url(session), 303)
        if session["status"] == "open":
            session = self._pay(books, session, fields)
        here = request.url.path
        return RedirectResponse(checkout.success_url(session) if session["status"] == "complete" else here, 303)

    def _session(self, request: Request) -> tuple[Books, Object] | None:
        session_id = request.path_params["id"]
        account = self._world.store.account_of(KIND, session_id)
        if account is None:
            return None
        # A checkout that ran out since the last tick of the clock must not be paid any more.
        self._world.catch_up()
        books = self._world.books(account)
        return books, books.get(KIND, session_id)

    def _pay(self, books: Books, session: Object, fields: dict[str, str]) -> Object:
        email = session["customer_email"] or fields.get("email", "").strip()
        store = self._world.store
        try:
            if not session["customer"] and "@" not in email:
                raise Refusal("Enter your email address.")
            with store.transaction():
                return checkout.complete(books, session | {"_problem": None}, email, fields.get("card"))
        except Refusal as refusal:
            declined = session | {"_problem": refusal.message, "_email": email}
            books.put(declined)
            return declined


def _page(books: Books, session: Object) -> Response:
    account = accounts.find(books.store, books.account)
    seller = (account or {}).get("business_profile", {}).get("name") or "The operator"
    body = f'<section>{_summary(books, session)}</section><section class="card">{_form(session, books)}</section>'
    return shown(f"Checkout · {seller}", seller, body, columns="two")


def _summary(books: Books, session: Object) -> str:
    lines = session["_line_items"]
    first = lines[0]
    total = sum(line["amount_total"] for line in lines)
    price = f"{money(total, first['currency'])} {rhythm(first['price'])}"
    trial_end = trial_end_of(books, session["_subscription_data"])
    rows = "".join(_row(line) for line in lines)
    due = money(session["amount_total"], first["currency"])
    back = f'<p><a href="{text(session["cancel_url"])}">← Back</a></p>' if session["cancel_url"] else ""
    headline = _trial(trial_end, price, books.now) if trial_end else _plain(total, first)
    return (
        f"{back}<h1>Subscribe to {text(first['description'])}</h1>{headline}<div>{rows}"
        f'<div class="row"><b>Due today</b><b>{due}</b></div></div>'
    )


def _trial(trial_end: int, price: str, now: int) -> str:
    days = -(-(trial_end - now) // 86_400)
    unit = "day" if days == 1 else "days"
    return f'<p class="price">{days} {unit} free</p><p class="soft">Then {text(price)}, from {day(trial_end)}</p>'


def _plain(total: int, first: Object) -> str:
    return f'<p class="price">{money(total, first["currency"])}</p><p class="soft">{text(rhythm(first["price"]))}</p>'


def _row(line: Object) -> str:
    quantity = f" x {line['quantity']}" if line["quantity"] > 1 else ""
    amount = f"{money(line['amount_total'], line['currency'])} {text(rhythm(line['price']))}"
    return f'<div class="row"><span>{text(line["description"])}{quantity}</span><span>{amount}</span></div>'


def _form(session: Object, books: Books) -> str:
    trial = trial_end_of(books, session["_subscription_data"]) is not None
    button = "Start trial" if trial else "Subscribe"
    return (
        f'<form method="post"><h2>Pay with card</h2>{note(session.get("_problem"))}{_email(session, books)}'
        f'{_card() if checkout.wants_card(session) else ""}<button type="submit">{button}</button>'
        '<p class="soft">Test cards: <code>4242 4242 4242 4242</code> pays, <code>4000 0000 0000 0002</code> is'
        " declined, <code>4000 0000 0000 0341</code> pays now and fails at the renewal.</p></form>"
    )


def _email(session: Object, books: Books) -> str:
    customer = books.find("customer", session["customer"]) if session["customer"] else None
    known = (customer or {}).get("email") or session["customer_email"]
    if known or customer:
        return f'<p class="soft">{text(known or "Paying as an existing customer")}</p>'
    return (
        '<label for="email">Email</label>'
        '<input id="email" name="email" type="email" autocomplete="email" placeholder="you@example.com"'
        f' value="{text(session.get("_email") or "")}" required>'
    )


def _card() -> str:
    return (
        '<label for="card">Card number</label><input id="card" name="card" inputmode="numeric" autocomplete="cc-number"'
        ' value="4242 4242 4242 4242" placeholder="4242 4242 4242 4242" required>'
        '<div class="pair"><div><label for="expiry">Expiry</label><input id="expiry" name="expiry" value="12 / 40"'
        ' autocomplete="cc-exp"></div><div><label for="cvc">CVC</label><input id="cvc" name="cvc" value="123"'
        ' autocomplete="cc-csc" inputmode="numeric"></div></div>'
    )
