// End-users in lists: their plan, their Stripe status in words, and how much of their limit is used.

import { badge, h, meter, table } from "./dom.js";
import { ago, number } from "./format.js";

export const STATUSES = {
  active: ["Active", "good"],
  trialing: ["Trial", "accent"],
  past_due: ["Past due", "warn"],
  unpaid: ["Unpaid", "bad"],
  canceled: ["Cancelled", ""],
  incomplete: ["Incomplete", "warn"],
  incomplete_expired: ["Expired", ""],
  paused: ["Paused", "warn"],
};

export function statusBadge(status) {
  if (!status) return h("span", { class: "soft" }, "–");
  const [text, kind] = STATUSES[status] ?? [status, ""];
  return badge(text, kind);
}

export const customerAddress = (userId) => `#customers/${encodeURIComponent(userId)}`;

export function usageCell({ used, limit }) {
  if (limit === "unlimited")
    return [h("span", { class: "number" }, number(used)), h("span", { class: "fine" }, " of unlimited")];
  if (limit === null)
    return [h("span", { class: "number" }, number(used)), h("span", { class: "fine" }, " on a tier that is gone")];
  return [
    h("span", { class: "number" }, number(used)),
    h("span", { class: "fine number" }, ` of ${number(limit)}`),
    meter(used, limit, `${number(used)} of ${number(limit)} used`, "thin"),
  ];
}

export function customerTable(label, customers) {
  return table(
    label,
    [
      ["End-user", "name"],
      ["Tier", ""],
      ["This month", "usage"],
      ["Subscription", "later"],
      ["Last seen", "later right"],
    ],
    customers.map((one) => [
      h("a", { href: customerAddress(one.userId), class: "clamp", title: one.userId }, one.userId),
      badge(one.plan),
      usageCell(one),
      statusBadge(one.status),
      one.lastSeen ? ago(one.lastSeen) : "–",
    ]),
  );
}
