"""Amounts as people read them: `$19`, `€15.50`, `1,200 CHF`. Pure.

Called by offers.py. Stripe's minor units differ by currency: yen have none, dinars a thousandth.
"""

_WHOLE = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
_THOUSANDTHS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹", "krw": "₩"}


def money(amount: float, currency: str) -> str:
    """An amount in minor units; whole amounts are written without a fraction."""
    places = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    minor = round(amount)
    whole, rest = divmod(minor, 10**places)
    number = f"{whole:,}.{rest:0{places}}" if rest else f"{whole:,}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency.upper()}"
