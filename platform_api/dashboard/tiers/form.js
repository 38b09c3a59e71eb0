// One tier as a form, and back: what is typed becomes the tier the service takes, or says at its field what is wrong.

import { button, h, sign, uniqueId } from "../dom.js";
import { limit, parsedAmount, price, typedAmount } from "../format.js";

const UNLIMITED = -1;
const MODELS = [
  ["free", "Free"],
  ["paid", "Paid"],
  ["granted", "Not for sale: your server grants it"],
];
const CURRENCIES = ["usd", "eur", "gbp", "chf", "cad", "aud", "jpy", "inr", "brl", "sek", "nok", "dkk", "pln"];
const FRESH = {
  name: "",
  displayName: "",
  limit: 1000,
  rateLimitPerMinute: 100,
  price: { amount: 900, currency: "usd", interval: "month" },
  features: [],
  popular: false,
  trialDays: 0,
};

/** A form for a tier, a new one without. `moved` is called with a step, `removed` when it is to go. */
export function tierForm(tier, { moved, removed }) {
  const fields = made(tier ?? FRESH);
  const title = h("span", { class: "name" });
  const gist = h("span", { class: "fine" });
  const element = h(
    "details",
    { class: "tier", open: !tier },
    h("summary", {}, title, gist),
    h(
      "div",
      { class: "inside" },
      laidOut(fields),
      h(
        "div",
        { class: "actions" },
        button(sign("up"), () => moved(-1), { kind: "icon", label: "Move this tier up" }),
        button(sign("down"), () => moved(1), { kind: "icon", label: "Move this tier down" }),
        button("Remove tier", () => removed(), { kind: "tiny danger" }),
      ),
    ),
  );
  const form = { element, fields, read: () => read(fields), wrong: (path, text) => wrong(element, fields, path, text) };
  form.refresh = () => {
    adapt(fields);
    const { tier: now } = read(fields);
    title.textContent = now.displayName || "New tier";
    gist.textContent = [price(now.price), limit(now.limit, "calls a month")].join(" · ");
  };
  if (!tier) followName(fields);
  form.refresh();
  return form;
}

function field(label, control, hint = null, more = null) {
  const ids = { control: uniqueId("field"), wrong: uniqueId("wrong"), hint: uniqueId("hint") };
  control.id = ids.control;
  control.setAttribute("aria-describedby", [hint && ids.hint, ids.wrong].filter(Boolean).join(" "));
  const said = h("span", { class: "wrong", id: ids.wrong });
  return {
    control,
    said,
    box: h(
      "div",
      { class: "field" },
      h("label", { for: ids.control }, label),
      control,
      more,
      hint && h("span", { class: "hint", id: ids.hint }, hint),
      said,
    ),
  };
}

const text = (value, more = {}) => h("input", { type: "text", autocomplete: "off", value: String(value), ...more });
const select = (options, value) => {
  const control = h(
    "select",
    {},
    options.map(([name, label]) => h("option", { value: name }, label)),
  );
  control.value = value;
  return control;
};

/** A whole number or "unlimited", by a box to tick. */
function bounded(label, value, hint) {
  const endless = h("input", { type: "checkbox", checked: value === UNLIMITED });
  const made = field(
    label,
    text(value === UNLIMITED ? "" : value, { inputmode: "numeric" }),
    hint,
    h("label", { class: "check" }, endless, "Unlimited"),
  );
  endless.setAttribute("aria-label", `${label}: unlimited`);
  return { ...made, endless };
}

function made(tier) {
  const terms = tier.price ?? { amount: 900, currency: "usd", interval: "month" };
  const model = tier.price === null ? "granted" : tier.price.amount === 0 ? "free" : "paid";
  const list = uniqueId("currencies");
  const popular = h("input", { type: "checkbox", checked: tier.popular });
  return {
    displayName: field("Display name", text(tier.displayName, { maxlength: "60" })),
    name: field(
      "Name",
      text(tier.name, { maxlength: "40", spellcheck: "false" }),
      "In your code and in answers; keep it once people are on the tier.",
    ),
    model: field("Price", select(MODELS, model)),
    "price.amount": field("Amount", text(typedAmount(terms.amount, terms.currency), { inputmode: "decimal" })),
    "price.currency": field(
      "Currency",
      text(terms.currency, { maxlength: "3", list, spellcheck: "false" }),
      null,
      h(
        "datalist",
        { id: list },
        CURRENCIES.map((one) => h("option", { value: one })),
      ),
    ),
    "price.interval": field(
      "Paid every",
      select(
        [
          ["month", "Month"],
          ["year", "Year"],
        ],
        terms.interval,
      ),
    ),
    trialDays: field("Free trial, days", text(tier.trialDays, { inputmode: "numeric" })),
    limit: bounded("Calls a month", tier.limit),
    rateLimitPerMinute: bounded("Calls a minute", tier.rateLimitPerMinute),
    features: field(
      "Features",
      h("textarea", { rows: "4", value: tier.features.join("\n") }),
      "One a line, as the pricing page lists them.",
    ),
    popular: {
      control: popular,
      said: h("span"),
      box: h("label", { class: "check" }, popular, "Mark as most popular"),
    },
  };
}

function laidOut(fields) {
  const box = (name) => fields[name].box;
  return [
    h("div", { class: "fields" }, box("displayName"), box("name")),
    h("div", { class: "fields" }, box("model"), box("trialDays")),
    h("div", { class: "fields three" }, box("price.amount"), box("price.currency"), box("price.interval")),
    h("div", { class: "fields" }, box("limit"), box("rateLimitPerMinute")),
    box("features"),
    box("popular"),
  ];
}

/** Show the fields that the price model has, and close the number of what is unlimited. */
function adapt(fields) {
  const paid = fields.model.control.value === "paid";
  for (const name of ["price.amount", "price.currency", "price.interval", "trialDays"]) fields[name].box.hidden = !paid;
  for (const name of ["limit", "rateLimitPerMinute"]) fields[name].control.disabled = fields[name].endless.checked;
}

/** While a new tier is being named, its name in code follows its display name. */
function followName(fields) {
  let own = false;
  fields.name.control.addEventListener("input", () => {
    own = true;
  });
  fields.displayName.control.addEventListener("input", () => {
    if (!own)
      fields.name.control.value = fields.displayName.control.value
        .toLowerCase()
        .normalize("NFKD")
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "")
        .slice(0, 40);
  });
}

function read(fields) {
  const problems = [];
  const value = (name) => fields[name].control.value.trim();
  const whole = (name) => {
    if (fields[name].endless?.checked) return UNLIMITED;
    const typed = value(name).replace(/[\s,_]/g, "");
    if (/^\d{1,13}$/.test(typed)) return Number(typed);
    problems.push([name, "Write a whole number."]);
    return 0;
  };
  const tier = {
    name: value("name"),
    displayName: value("displayName"),
    limit: whole("limit"),
    rateLimitPerMinute: whole("rateLimitPerMinute"),
    price: null,
    features: fields.features.control.value
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean),
    popular: fields.popular.control.checked,
    trialDays: 0,
  };
  const model = value("model");
  const currency = value("price.currency").toLowerCase();
  if (model === "free")
    tier.price = { amount: 0, currency: /^[a-z]{3}$/.test(currency) ? currency : "usd", interval: "month" };
  if (model === "paid") {
    const amount = parsedAmount(value("price.amount"), currency);
    if (!amount)
      problems.push([
        "price.amount",
        amount === 0 ? "Write an amount, or choose Free." : "Write an amount like 9 or 9.50.",
      ]);
    tier.price = { amount: amount ?? 0, currency, interval: value("price.interval") };
    tier.trialDays = whole("trialDays");
  }
  return { tier, problems };
}

/** Put a sentence at a field, or take all away. False when there is no such field. */
function wrong(element, fields, path, text) {
  if (path === null) {
    for (const { control, said } of Object.values(fields)) {
      control.removeAttribute("aria-invalid");
      said.textContent = "";
    }
    return true;
  }
  const found = fields[path] ?? fields[path.split(".")[0]] ?? (path === "price" ? fields["price.amount"] : null);
  if (!found) return false;
  found.control.setAttribute("aria-invalid", "true");
  found.said.textContent = text;
  element.open = true;
  return true;
}
