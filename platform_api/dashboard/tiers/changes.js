// What publishing changes, and for whom, in sentences: made from the tiers that hold now and those that will.

import { limit, number, plural, price } from "../format.js";

/** [{title, lines}] of every tier that changes. `people` maps a tier's name to {activeUsers, subscribers}, where known. */
export function changes(before, after, people) {
  const old = new Map(before.map((tier) => [tier.name, tier]));
  const kept = new Set(after.map((tier) => tier.name));
  const found = after.map((tier) =>
    old.has(tier.name) ? changed(old.get(tier.name), tier, people?.get(tier.name)) : added(tier),
  );
  found.push(...before.filter((tier) => !kept.has(tier.name)).map((tier) => removed(tier, people?.get(tier.name))));
  if (
    after
      .map(({ name }) => name)
      .filter((name) => old.has(name))
      .join() !==
    before
      .map(({ name }) => name)
      .filter((name) => kept.has(name))
      .join()
  ) {
    found.push({ title: "Order", lines: ["The tiers are listed in another order on the pricing page."] });
  }
  return found.filter(({ lines }) => lines.length);
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const isFree = (tier) => tier.price?.amount === 0;
const isPaid = (tier) => tier.price !== null && tier.price.amount > 0;

function added(tier) {
  return {
    title: `${tier.displayName}: new`,
    lines: [
      `${price(tier.price)}, ${limit(tier.limit, "calls a month")}, ${limit(tier.rateLimitPerMinute, "a minute")}.`,
      ...(isFree(tier) ? ["It is what users have who did not buy anything."] : []),
    ],
  };
}

function removed(tier, people) {
  const title = `${tier.displayName}: removed`;
  if (isFree(tier))
    return {
      title,
      lines: ["Users who did not buy anything have no tier any more: their calls are refused.", ...active(people)],
    };
  if (isPaid(tier))
    return {
      title,
      lines: [
        "Nobody can buy it any more.",
        ...staying(people, "keep it, at their price, until they change or cancel."),
      ],
    };
  return {
    title,
    lines: ["Calls that name it in X-User-Plan are answered with an error from now on.", ...active(people)],
  };
}

function changed(from, to, people) {
  const lines = [];
  if (from.limit !== to.limit)
    lines.push(`Limit: ${limit(from.limit, "").trim()} → ${limit(to.limit, "calls a month")}, ${everybody(people)}.`);
  if (from.rateLimitPerMinute !== to.rateLimitPerMinute)
    lines.push(
      `Rate: ${limit(from.rateLimitPerMinute, "").trim()} → ${limit(to.rateLimitPerMinute, "calls a minute")}, ${everybody(people)}.`,
    );
  if (!same(from.price, to.price)) {
    lines.push(`Price: ${price(from.price)} → ${price(to.price)} for who buys from now on.`);
    if (isPaid(from)) lines.push(...staying(people, `keep paying ${price(from.price)} until they change.`));
  }
  if (from.trialDays !== to.trialDays)
    lines.push(`Trial: ${plural(from.trialDays, "day")} → ${plural(to.trialDays, "day")} for new subscribers.`);
  const words = [
    ["displayName", "name"],
    ["features", "features"],
    ["popular", "mark"],
  ]
    .filter(([field]) => !same(from[field], to[field]))
    .map(([, word]) => word);
  if (words.length) lines.push(`On the pricing page: new ${words.join(", ")}.`);
  return { title: to.displayName, lines };
}

const everybody = (people) =>
  people?.activeUsers
    ? `for all ${plural(people.activeUsers, "active user")} on it, within seconds`
    : "for everybody on it, within seconds";
/** What stays as it is for who pays already. */
function staying(people, what) {
  if (!people) return [`Present subscribers ${what}`];
  if (people.subscribers === 0) return [];
  return [
    people.subscribers === 1
      ? `The 1 subscriber will ${what}`
      : `The ${number(people.subscribers)} subscribers ${what}`,
  ];
}

const active = (people) =>
  people?.activeUsers ? [`${plural(people.activeUsers, "user")} called on it this month.`] : [];
