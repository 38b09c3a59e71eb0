// Numbers, money and times as words. Months and days are UTC, as everything that is counted here.

const counts = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const days = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });
const dates = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const moments = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

// Stripe's currencies whose smallest unit is not a hundredth.
const WHOLE = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" "));
const THOUSANDTHS = new Set("bhd jod kwd omr tnd".split(" "));
const STEPS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export const number = (value) => (typeof value === "number" ? counts.format(value) : String(value ?? "–"));
export const short = (value) => compact.format(value);
export const day = (when) => days.format(instant(when));
export const date = (when) => dates.format(instant(when));
export const moment = (when) => moments.format(instant(when));
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** Of RFC 3339, or of Stripe's Unix seconds. */
function instant(when) {
  return new Date(typeof when === "number" ? when * 1000 : when);
}

export function ago(when, now = Date.now()) {
  const seconds = (instant(when).getTime() - now) / 1000;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length * 0.99) ?? ["second", 1];
  return unit === "second" ? "just now" : relative.format(Math.round(seconds / size), unit);
}

/** Digits after the point that a currency has at Stripe. */
export function digits(currency) {
  if (WHOLE.has(currency)) return 0;
  return THOUSANDTHS.has(currency) ? 3 : 2;
}

const SYMBOLS = { usd: "$", eur: "€", gbp: "£", jpy: "¥", inr: "₹", krw: "₩" };

/** As the pricing page writes it; whole amounts without a fraction. */
export function money(amountMinor, currency) {
  const places = digits(currency);
  const rounded = Math.round(amountMinor);
  const shown = rounded % 10 ** places === 0 ? 0 : places;
  const text = (Math.abs(rounded) / 10 ** places).toLocaleString("en", {
    minimumFractionDigits: shown,
    maximumFractionDigits: shown,
  });
  const symbol = SYMBOLS[currency];
  return (rounded < 0 ? "−" : "") + (symbol ? symbol + text : `${text} ${currency.toUpperCase()}`);
}

/** An amount in minor units as the text of a field, and back; never through a fraction that can't be held. */
export function typedAmount(amountMinor, currency) {
  const places = digits(currency);
  const text = String(amountMinor).padStart(places + 1, "0");
  return places ? `${text.slice(0, -places)}.${text.slice(-places)}`.replace(/\.0+$/, "") : text;
}

/** Minor units of what was typed, null where that is no amount of this currency. */
export function parsedAmount(typed, currency) {
  const places = digits(currency);
  const found = /^(\d{1,9})(?:[.,](\d+))?$/.exec(typed.trim());
  if (!found || (found[2] ?? "").length > places) return null;
  return Number(found[1]) * 10 ** places + Number((found[2] ?? "").padEnd(places, "0") || 0);
}

export function price(terms) {
  if (!terms) return "Not for sale";
  return terms.amount === 0 ? "Free" : `${money(terms.amount, terms.currency)} / ${terms.interval}`;
}

export function limit(value, unit) {
  return value === -1 || value === "unlimited" ? "Unlimited" : `${number(value)} ${unit}`;
}
