// End-users by usage or name, searched and narrowed down; the address holds all of it, so that it can be shared.

import { bridge, credentials, query, tenant } from "../api.js";
import { empty, h, head, link, uniqueId } from "../dom.js";
import { fill } from "../fill.js";
import { say } from "../notices.js";
import { STATUSES, customerTable } from "../people.js";

const PAGE = 50;
const TYPING_MS = 350;
const ANYTHING = ["", "All"];
const SORTS = [
  ["usage", "Most used first"],
  ["name", "By name"],
];

export function show(place, view) {
  const asked = {
    q: view.query.get("q") ?? "",
    sort: view.query.get("sort") ?? "usage",
    tier: view.query.get("tier") ?? "",
    status: view.query.get("status") ?? "",
    cursor: view.query.get("cursor") ?? "",
  };
  const list = h("section", { class: "card list" });
  const controls = filters(asked, (changed) => {
    Object.assign(asked, changed, { cursor: "" });
    history.replaceState(null, "", address(asked));
    view.moved();
    load();
  });
  const load = () => {
    const mine = { ...asked };
    fill(
      list,
      view,
      () => page(mine, view.signal),
      (found) => (same(mine, asked) ? drawn(found, mine) : []),
      { waiting: ["block tall"] },
    );
  };
  place.append(
    head("Customers", "The end-users of your API, what they have used this month and what they pay for."),
    h("div", { class: "stack" }, controls.element, list),
  );
  offerTiers(controls.tier, asked.tier, view.signal);
  load();
}

function same(one, other) {
  return Object.keys(one).every((name) => one[name] === other[name]);
}

const address = (asked) => `#customers${query({ ...asked, sort: asked.sort === "usage" ? "" : asked.sort })}`;

function page(asked, signal) {
  return tenant("GET", `/api/developer/customers${query({ ...asked, limit: PAGE })}`, { signal });
}

function filters(asked, changed) {
  const search = h("input", {
    type: "search",
    value: asked.q,
    placeholder: "User id starts with…",
    maxlength: "256",
    autocomplete: "off",
    spellcheck: "false",
  });
  let typing = null;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => changed({ q: search.value.trim() }), TYPING_MS);
  });
  const statuses = [ANYTHING, ...Object.entries(STATUSES).map(([value, [text]]) => [value, text])];
  const sort = choice(SORTS, asked.sort, (value) => changed({ sort: value }));
  const tier = choice([ANYTHING, ...(asked.tier ? [[asked.tier, asked.tier]] : [])], asked.tier, (value) =>
    changed({ tier: value }),
  );
  const status = choice(statuses, asked.status, (value) => changed({ status: value }));
  const element = h(
    "div",
    { class: "filters", role: "search" },
    labelled("Search", search),
    labelled("Order", sort),
    labelled("Tier", tier),
    labelled("Subscription", status),
  );
  return { element, tier };
}

function choice(options, chosen, changed) {
  const made = h(
    "select",
    { onchange: () => changed(made.value) },
    options.map(([value, text]) => h("option", { value }, text)),
  );
  made.value = chosen;
  return made;
}

function labelled(text, control) {
  control.id = uniqueId("filter");
  return h("div", { class: "field" }, h("label", { for: control.id }, text), control);
}

/** The tiers to narrow down to; without them the list works all the same. */
async function offerTiers(select, chosen, signal) {
  try {
    if (!(await credentials({ signal }))) return;
    const { published } = await bridge("GET", "/tiers", { signal });
    const others = published.tiers.filter((tier) => tier.name !== chosen);
    select.append(...others.map((tier) => h("option", { value: tier.name }, tier.displayName)));
  } catch {
    // the list itself says what is wrong, where something is
  }
}

function drawn(found, asked) {
  const narrowed = asked.q || asked.tier || asked.status;
  const count = found.customers.length;
  if (!count && found.next)
    return empty(
      "Nobody matches so far",
      "One page looks through some thousand customers. There are more to look through.",
      link("Go on", address({ ...asked, cursor: found.next }), "main"),
    );
  if (!count && asked.cursor)
    return empty(
      "That was the last page",
      "There is nobody after it.",
      link("First page", address({ ...asked, cursor: "" })),
    );
  if (!count && narrowed)
    return empty(
      "Nobody matches",
      "The search looks at how a user id starts. Or show all tiers and subscriptions.",
      link("Show everybody", "#customers"),
    );
  if (!count)
    return empty(
      "No customers yet",
      "An end-user appears here with the first call your server makes for them.",
      link("Make a call", "#credentials", "main"),
    );
  say(`${count} customers shown.`);
  return [
    customerTable("Customers", found.customers),
    found.cutShort && h("p", { class: "fine" }, "These are all among those looked through; the next page goes on."),
    (found.next || asked.cursor) &&
      h(
        "nav",
        { class: "pages", "aria-label": "Pages" },
        asked.cursor ? link("First page", address({ ...asked, cursor: "" }), "tiny") : h("span"),
        found.next
          ? link("Next page", address({ ...asked, cursor: found.next }), "tiny")
          : h("span", { class: "fine" }, "The last page"),
      ),
  ];
}
