"""The frame of the hosted pages: one style for light and dark, no script, nothing loaded from elsewhere.

`checkout_page`, `portal_page` and `consent_page` fill it. Whatever comes from a person goes through `text`.
"""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime
from html import escape

from starlette.responses import HTMLResponse

from infra.sandbox.stripe.errors import Object

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}
WHOLE_CURRENCIES = frozenset({"jpy", "krw", "vnd", "clp"})
CSS = """
:root { color-scheme: light dark; --paper: #f6f8fb; --card: #fff; --ink: #1a2233; --soft: #5b6780; --line: #dfe4ee;
  --brand: #4f46e5; --brand-ink: #fff; --bad: #b3261e; --bad-paper: #fdecea; --good: #146c43; --good-paper: #e7f6ee; }
@media (prefers-color-scheme: dark) { :root { --paper: #10141d; --card: #1a2030; --ink: #eef1f8; --soft: #a3aec4;
  --line: #313a50; --brand: #8b85ff; --brand-ink: #12102e; --bad: #ffb4ab; --bad-paper: #3d1c1a; --good: #8fdcb4;
  --good-paper: #15321f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
header { display: flex; gap: .75rem; align-items: center; padding: 1rem; max-width: 64rem; margin: 0 auto; }
header b { font-size: 1.05rem; overflow-wrap: anywhere; }
.tag { font-size: .75rem; font-weight: 600; padding: .1rem .55rem; border-radius: 1rem; background: var(--line); }
.tag.good { background: var(--good-paper); color: var(--good); }
.tag.bad { background: var(--bad-paper); color: var(--bad); }
main { max-width: 64rem; margin: 0 auto; padding: 0 1rem 3rem; display: grid; gap: 1.25rem; }
@media (min-width: 52rem) { main.two { grid-template-columns: 1fr 1fr; gap: 3rem; padding-top: 2rem; } }
main.one, body:has(main.one) header { max-width: 40rem; }
.price .soft { font-size: 1rem; font-weight: 400; letter-spacing: 0; }
section { min-width: 0; overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: 1.25rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .5rem; } h2 { font-size: 1.05rem; margin: 0 0 .75rem; }
.price { font-size: 2.1rem; font-weight: 700; letter-spacing: -.02em; margin: 0; }
.soft { color: var(--soft); } p { margin: .4rem 0; }
.row { display: flex; justify-content: space-between; gap: 1rem; padding: .7rem 0; border-top: 1px solid var(--line); }
.row > * { min-width: 0; } .row > :last-child { text-align: right; white-space: nowrap; }
form { margin: 0; } label { display: block; font-weight: 600; font-size: .9rem; margin: .9rem 0 .3rem; }
input, select { width: 100%; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line);
  border-radius: .6rem; padding: .65rem .75rem; }
input[type=radio] { width: auto; margin: 0 .5rem 0 0; }
.choice { display: flex; align-items: center; font-weight: 400; }
button, .button { display: block; width: 100%; font: inherit; font-weight: 650; text-align: center; cursor: pointer;
  text-decoration: none; border-radius: .6rem; padding: .7rem 1rem; margin-top: 1rem; border: 1px solid transparent;
  background: var(--brand); color: var(--brand-ink); }
.quiet { background: transparent; color: var(--ink); border-color: var(--line); }
.danger { background: transparent; color: var(--bad); border-color: var(--bad); }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; }
a { color: var(--brand); } .note { border-radius: .6rem; padding: .7rem .9rem; margin: 0 0 1rem; font-weight: 550; }
.note.bad { background: var(--bad-paper); color: var(--bad); }
.note.good { background: var(--good-paper); color: var(--good); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; } code { font-size: .9em; }
"""
CSS_HASH = b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; img-src data:; style-src 'sha256-{CSS_HASH}'; base-uri 'none';"
    " frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def text(value: object) -> str:
    """Anything as text that can't become markup."""
    return escape(str(value), quote=True)


def shown(title: str, seller: str, body: str, *, columns: str = "one", status: int = 200) -> HTMLResponse:
    """A whole page; `body` is markup, `title` and `seller` are text."""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{CSS}</style></head><body>"
        f'<header><b>{text(seller)}</b><span class="tag">Sandbox</span></header>'
        f'<main class="{columns}">{body}</main></body></html>',
        status,
        HEADERS,
    )


def message(title: str, sentence: str, *, status: int = 200, link: tuple[str, str] | None = None) -> HTMLResponse:
    """A page that only says something."""
    button = f'<a class="button" href="{text(link[0])}">{text(link[1])}</a>' if link else ""
    card = f'<section class="card"><h1>{text(title)}</h1><p class="soft">{text(sentence)}</p>{button}</section>'
    return shown(title, "Payments", card, status=status)


def note(sentence: str | None, mood: str = "bad") -> str:
    return f'<p class="note {mood}" role="alert">{text(sentence)}</p>' if sentence else ""


def money(amount: int, currency: str) -> str:
    number = f"{amount:,}" if currency in WHOLE_CURRENCIES else f"{amount / 100:,.2f}"
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency.upper()}"


def rhythm(price: Object) -> str:
    """`per month`, `every 3 months`."""
    interval, count = price["recurring"]["interval"], price["recurring"]["interval_count"]
    return f"per {interval}" if count == 1 else f"every {count} {interval}s"


def day(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%-d %B %Y")
