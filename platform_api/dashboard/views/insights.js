// How the API is doing: calls and refusals, who is active on which tier, what comes in, and who is about to hit a limit.

import { tenant } from "../api.js";
import { dailyChart } from "../chart.js";
import { button, card, empty, figures, h, head, link, table } from "../dom.js";
import { fill } from "../fill.js";
import { date, moment, money, number, plural } from "../format.js";
import { customerTable } from "../people.js";

export function show(place, view) {
  const body = h("div", { class: "stack" });
  const load = () =>
    fill(body, view, () => tenant("GET", "/api/developer/dashboard", { signal: view.signal }), drawn, {
      waiting: ["block", "block tall", "block"],
    });
  place.append(head("Insights", "Calls, users and revenue of your API.", button("Refresh", load)), body);
  load();
}

function drawn(found) {
  const { calls } = found;
  if (!found.daily.some((one) => one.calls + one.refused > 0) && !found.revenue.length) {
    return h(
      "section",
      { class: "card" },
      empty(
        "Nothing to show yet",
        "Numbers appear here with the first call your server makes for one of your users.",
        link("Make a call", "#credentials", "main"),
      ),
    );
  }
  const refused = calls.refused.overQuota + calls.refused.rateLimited;
  return [
    figures([
      { term: "Calls this month", value: number(calls.month), note: `${number(calls.today)} today` },
      { term: "Active users", value: number(found.users.active), note: `since ${date(found.period.start)}` },
      {
        term: "Refused",
        value: number(refused),
        note: `${number(calls.refused.overQuota)} over the month's limit, ${number(calls.refused.rateLimited)} too fast`,
      },
      ...found.revenue.map((one) => ({
        term: `MRR in ${one.currency.toUpperCase()}`,
        value: money(one.mrr, one.currency),
        note: `${money(one.thisMonth, one.currency)} paid this month, ${money(one.lastMonth, one.currency)} last month, less refunds`,
      })),
    ]),
    card("Calls per day", null, dailyChart(found.daily, "Calls per day")),
    card("By tier", null, byTier(found.byTier)),
    near(found.nearLimit),
    card(
      "Most active",
      null,
      found.topUsers.length
        ? customerTable("Most active users", found.topUsers)
        : empty("Nobody yet this month", "Who calls most is listed here."),
    ),
    h("p", { class: "fine" }, `As of ${moment(found.asOf)}. Days and months are UTC.`),
  ];
}

function byTier(tiers) {
  if (!tiers.length)
    return empty("No tiers in use", "Publish tiers to see who is on which.", link("Edit tiers", "#tiers"));
  return table(
    "By tier",
    [
      ["Tier", "name"],
      ["Active users", "right"],
      ["Calls", "right later"],
      ["Subscribers", "right later"],
      ["MRR", "right"],
    ],
    tiers.map((one) => [
      [one.displayName, one.displayName.toLowerCase() !== one.tier && h("span", { class: "fine under" }, one.tier)],
      number(one.activeUsers),
      number(one.calls),
      number(one.subscribers),
      recurring(one.mrr),
    ]),
  );
}

function recurring(mrr) {
  const amounts = Object.entries(mrr ?? {}).map(([currency, amount]) => money(amount, currency));
  return amounts.length ? amounts.join(" + ") : "–";
}

function near(customers) {
  const box = card(
    "Close to their limit",
    customers.length
      ? `${plural(customers.length, "user")} at 80 % or more. A good moment to offer a larger tier.`
      : null,
  );
  box.append(
    customers.length
      ? customerTable("Users close to their limit", customers)
      : empty("Nobody is close to a limit", "Users who have used 80 % or more of their month are listed here."),
  );
  return box;
}
