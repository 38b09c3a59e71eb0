// The pricing page as end-users will see it, drawn from what is typed at this moment, in the words of the hosted page.

import { h } from "../dom.js";
import { limit, money, number, plural } from "../format.js";

const OFTEN = { month: "monthly", year: "yearly" };

export function pricing(name, tiers) {
  return [
    h(
      "div",
      { class: "intro" },
      h("p", { class: "for" }, "Plans and pricing"),
      h("p", { class: "fine wrap" }, name ? `Choose how you use ${name}.` : "Choose the plan that fits."),
    ),
    h("ul", { class: "offers" }, tiers.map(offer)),
  ];
}

function offer(tier) {
  const free = tier.price?.amount === 0;
  const paid = tier.price && !free;
  return h(
    "li",
    { class: tier.popular ? "offer popular" : "offer" },
    h(
      "div",
      { class: "row apart" },
      h("strong", { class: "wrap" }, tier.displayName || "New tier"),
      tier.popular && h("span", { class: "badge accent" }, "Most popular"),
    ),
    h(
      "div",
      {},
      h(
        "p",
        { class: "cost wrap" },
        tier.price ? money(tier.price.amount, tier.price.currency) : "Custom",
        paid && h("span", { class: "of" }, ` per ${tier.price.interval}`),
      ),
      h("p", { class: "fine" }, billed(tier, free)),
    ),
    h("span", { class: "choose", "aria-hidden": "true" }, action(tier, free)),
    h(
      "ul",
      { class: "ticks" },
      lines(tier).map((text) => h("li", {}, text)),
    ),
  );
}

function billed(tier, free) {
  if (!tier.price) return "Ask us for it.";
  if (free) return "No card needed.";
  const { amount, currency, interval } = tier.price;
  if (tier.trialDays > 0) return `${plural(tier.trialDays, "day")} free, then ${OFTEN[interval]}.`;
  return interval === "year" ? `Billed yearly, ${money(amount / 12, currency)} a month.` : `Billed ${OFTEN[interval]}.`;
}

function action(tier, free) {
  if (!tier.price) return "On request";
  if (free) return "Start for free";
  return tier.trialDays > 0 ? "Start free trial" : `Choose ${tier.displayName}`;
}

/** What it allows, then its features, but for those that say the same. */
function lines(tier) {
  const rate = tier.rateLimitPerMinute;
  const allowance = [
    tier.limit === -1 ? "Unlimited calls" : limit(tier.limit, tier.limit === 1 ? "call a month" : "calls a month"),
    rate === -1 ? "No limit per minute" : `${number(rate)} ${rate === 1 ? "call" : "calls"} a minute`,
  ];
  const said = new Set(allowance.map((line) => line.toLowerCase()));
  return [...allowance, ...tier.features.filter((line) => !said.has(line.toLowerCase()))];
}
