// Where the developer stands: the month's usage, the plan, and what is left to set up.

import { paidJustNow, paidSeen } from "../arrivals.js";
import { bridge, changeCredentials, credentials, plans, platform, tenant } from "../api.js";
import { badge, button, card, figures, h, head, link, meter, sign } from "../dom.js";
import { acted, fill, shared } from "../fill.js";
import { ago, date, number, plural } from "../format.js";
import { leakNotices, leaks } from "../leaks.js";
import { done, say } from "../notices.js";
import { token } from "../session.js";

const PAID_TRIES = 20;
const PAID_PAUSE_MS = 1500;

export function show(place, view) {
  const leaked = h("div", { class: "stack" });
  const usage = h("div", { class: "pair" });
  const steps = h("div");
  const calls = h("div");
  place.append(
    head("Overview", "Your plan, and what your API is doing this month."),
    h("div", { class: "stack" }, leaked, usage, steps, calls),
  );
  const warn = () =>
    fill(leaked, view, () => leaks(view.signal), (found) => leakNotices(found, view, warn, "#credentials"), {
      waiting: [],
    });
  warn();
  const asked = shared(() => platform("GET", "/usage", { signal: view.signal }));
  const counted = shared(() => activity(view.signal));
  fill(usage, view, asked, (found) => standing(found, view), { waiting: ["block", "block"] }).then(() => {
    if (view.rest[0] === "billing") document.getElementById("billing")?.scrollIntoView({ block: "center" });
    if (paidJustNow) awaitPlan(usage, view);
  });
  fill(
    steps,
    view,
    () => progress(asked, counted, view.signal),
    (found) => setUp(found, view),
    { waiting: ["block tall"] },
  );
  fill(calls, view, counted, drawActivity, { waiting: ["block"] });
}

function standing(found, view) {
  const unlimited = found.limit === "unlimited";
  const left = unlimited ? "No limit" : `${number(found.remaining)} left`;
  const full = !unlimited && found.remaining === 0;
  const usage = card(
    "Your usage this month",
    "Calls with your own token, counted by /verify-auth. Your users' calls are further below.",
    h(
      "p",
      { class: "figure" },
      number(found.usageCount),
      !unlimited && h("span", { class: "of" }, ` of ${number(found.limit)}`),
    ),
    !unlimited &&
      meter(found.usageCount, found.limit, `${number(found.usageCount)} of ${number(found.limit)} calls used`),
    h(
      "p",
      { class: "fine row apart" },
      h("span", {}, left),
      h("span", {}, `Resets on ${date(found.periodEnd)}, ${ago(found.periodEnd)}`),
    ),
    full &&
      h(
        "p",
        { class: "note warn" },
        "This month is used up. ",
        found.plan === "free" ? "Upgrade to go on at once." : "It starts again at zero on the day above.",
      ),
  );
  return [usage, plan(found.plan, view)];
}

function plan(name, view) {
  const paid = name === "paid";
  const terms = paid ? plans.price : "$0";
  const box = card(
    "Plan",
    null,
    h("p", { class: "figure" }, paid ? "Paid" : "Free", h("span", { class: "of" }, ` ${terms} / month`)),
    h(
      "p",
      { class: "soft" },
      paid
        ? `${number(plans.paid)} calls a month. Change or cancel whenever you like.`
        : `${number(plans.free)} calls a month. The paid plan has ${number(plans.paid)}, for ${plans.price} a month.`,
    ),
    h(
      "footer",
      {},
      paid ? button("Manage billing", () => portal(view)) : button("Upgrade", () => upgrade(view), { kind: "main" }),
    ),
  );
  box.id = "billing";
  return box;
}

const upgrade = (view) =>
  acted(view, async () => location.assign((await platform("POST", "/create-checkout")).checkoutUrl));
const portal = (view) => acted(view, async () => location.assign((await platform("POST", "/customer-portal")).url));

/** Stripe's word on a payment comes within seconds of the developer's return. */
async function awaitPlan(place, view) {
  say("Payment received. Waiting for the plan to become active.");
  for (let tries = 0; tries < PAID_TRIES && !view.signal.aborted; tries += 1) {
    const found = await acted(view, () => platform("GET", "/usage", { signal: view.signal }));
    if (found?.plan === "paid") {
      paidSeen();
      await acted(view, () => token({ fresh: true })); // from now on tokens say so too
      place.replaceChildren(...standing(found, view));
      done("Thank you. You are on the paid plan now.");
      view.refresh();
      return;
    }
    await new Promise((resume) => setTimeout(resume, PAID_PAUSE_MS));
  }
  if (view.signal.aborted) return;
  paidSeen();
  done("Your payment is being processed. The plan becomes active as soon as Stripe confirms it.");
}

/** What of the set-up is done; null for a part that can't be told just now. */
async function progress(asked, counted, signal) {
  const [usage, found] = await Promise.all([asked(), credentials({ signal })]);
  const told = (asked) =>
    asked.catch((error) => {
      if (signal.aborted || error.name === "SignedOut") throw error;
      return null;
    });
  const has = Boolean(found?.apiKey);
  const [connections, tiers, calls] = await Promise.all([
    found ? told(bridge("GET", "/connections", { signal })) : { stripe: { status: "none" } },
    found ? told(bridge("GET", "/tiers", { signal })) : { published: { version: 0 } },
    has ? told(counted()) : { daily: [] },
  ]);
  return {
    paid: usage.plan === "paid",
    key: has,
    stripe: connections && connections.stripe.status === "connected",
    tiers: tiers && tiers.published.version > 0,
    call: calls && calls.daily.some((day) => day.calls + day.refused > 0),
  };
}

function setUp(found, view) {
  const steps = [
    [
      "key",
      "Create your API key",
      "Your server uses it to count and limit calls.",
      button("Create key", () => generate(view)),
    ],
    [
      "call",
      "Make your first call",
      "One request from your server, ready to paste.",
      link("Show me how", "#credentials"),
    ],
    ["stripe", "Connect Stripe", "Your customers pay you directly.", link("Connect", "#connections")],
    [
      "tiers",
      "Publish your tiers",
      "What your customers can buy, and how much they may call.",
      link("Edit tiers", "#tiers"),
    ],
    [
      "paid",
      "Choose a plan",
      `${plans.price} a month for ${number(plans.paid)} calls; free until you need it.`,
      button("Upgrade", () => upgrade(view)),
    ],
  ];
  const left = steps.filter(([name]) => found[name] === false).length;
  const unknown = steps.filter(([name]) => found[name] === null).length;
  const box = card(
    "Set up",
    null,
    h(
      "ol",
      { class: "steps" },
      steps.map(([name, title, text, act], index) =>
        h(
          "li",
          { class: found[name] ? "done" : "" },
          h("span", { class: "mark", "aria-hidden": "true" }, found[name] ? sign("check") : String(index + 1)),
          h(
            "div",
            {},
            h("strong", {}, title),
            found[name] && h("span", { class: "unseen" }, " (done)"),
            h("p", {}, text),
          ),
          found[name] === null ? badge("Can't be told now", "warn") : !found[name] && act,
        ),
      ),
    ),
  );
  const word = unknown
    ? badge("Partly known", "warn")
    : left
      ? badge(plural(left, "step") + " left")
      : badge("All set", "good");
  box.querySelector("header").append(word);
  return box;
}

async function generate(view) {
  if (!(await acted(view, () => changeCredentials("generate")))) return;
  done("Your API key is ready.");
  location.hash = "credentials";
}

async function activity(signal) {
  const found = await credentials({ signal });
  return found?.apiKey ? tenant("GET", "/api/developer/dashboard", { signal }) : null;
}

function drawActivity(found) {
  if (!found) return null;
  return card(
    "Your API this month",
    null,
    figures([
      { term: "Calls", value: number(found.calls.month), note: `${number(found.calls.today)} today` },
      { term: "Active users", value: number(found.users.active) },
      {
        term: "Refused",
        value: number(found.calls.refused.overQuota + found.calls.refused.rateLimited),
        note: "over a limit",
      },
    ]),
    h("footer", {}, link("See insights", "#insights")),
  );
}
