// One end-user: this month's usage, each day's calls, and the subscription behind the tier.

import { tenant } from "../api.js";
import { dailyChart } from "../chart.js";
import { badge, button, card, empty, facts, figures, h, link, meter } from "../dom.js";
import { fill } from "../fill.js";
import { ago, date, moment, number } from "../format.js";
import { copy } from "../notices.js";
import { statusBadge } from "../people.js";

export function show(place, view) {
  const userId = view.rest.join("/");
  const body = h("div", { class: "stack" });
  place.append(
    h("nav", { "aria-label": "Back" }, h("a", { class: "back", href: "#customers" }, "Customers")),
    h(
      "div",
      { class: "head" },
      h("div", {}, h("h1", { tabindex: "-1", class: "wrap" }, userId)),
      h(
        "div",
        { class: "actions" },
        button("Copy id", () => copy(userId, "User id"), { kind: "tiny" }),
      ),
    ),
    body,
  );
  fill(
    body,
    view,
    () => found(userId, view.signal),
    (one) => (one ? drawn(one) : nobody()),
    { waiting: ["block", "block tall"] },
  );
}

async function found(userId, signal) {
  try {
    return await tenant("GET", `/api/developer/customer?${new URLSearchParams({ userId })}`, { signal });
  } catch (error) {
    if (error.status === 404 && error.code === "not_found") return null;
    throw error;
  }
}

function nobody() {
  return h(
    "section",
    { class: "card" },
    empty(
      "Never seen",
      "No call was made for this user id, and nobody of this id has bought anything.",
      link("All customers", "#customers"),
    ),
  );
}

function drawn(one) {
  const unlimited = one.limit === "unlimited";
  const known = one.limit !== null;
  return [
    figures([
      {
        term: "Used this month",
        value: number(one.used),
        note: unlimited ? "no limit" : known ? `of ${number(one.limit)}` : "on a tier that is gone",
        below: known && !unlimited && meter(one.used, one.limit, `${number(one.used)} of ${number(one.limit)} used`),
      },
      {
        term: "Remaining",
        value: unlimited ? "Unlimited" : known ? number(one.remaining) : "–",
        note: `resets on ${date(one.periodEnd)}`,
      },
      {
        term: "Last seen",
        value: one.lastSeen ? ago(one.lastSeen) : "Not yet",
        note: one.lastSeen && moment(one.lastSeen),
      },
    ]),
    card("Calls per day", null, dailyChart(untilToday(one.daily), "Calls per day")),
    card("Subscription", null, subscription(one)),
  ];
}

function subscription(one) {
  const bought = one.subscription;
  if (!bought) {
    return h(
      "div",
      { class: "stack" },
      facts([["Tier", badge(one.plan)]]),
      h("p", { class: "soft" }, "Nothing is bought: the tier is the free one, or granted by your server."),
    );
  }
  return facts([
    ["Tier", badge(bought.tier ?? one.plan)],
    ["Status", statusBadge(bought.status)],
    bought.periodEnd && ["Paid until", date(bought.periodEnd)],
    bought.cancelAt && ["Ends", date(bought.cancelAt)],
    bought.customerId && ["Stripe customer", h("code", {}, bought.customerId)],
  ]);
}

/** The days of the month that have begun, in UTC. */
function untilToday(days) {
  const today = new Date().toISOString().slice(0, 10);
  return days.filter((one) => one.date <= today);
}
