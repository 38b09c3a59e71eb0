// The pricing page for who has JavaScript: who is signed in, which tier is theirs, and buying with one press.
// Without it, each button leads to the sign-up page, which goes on from there.

import { address, buy, email, join, manage, membership, opened, token } from "./account.js";
import { call } from "./api.js";
import { element, pressed, tell } from "./notice.js";

const place = document.getElementById("account");
const page = { platform: place.dataset.platform, url: place.dataset.url, returnTo: place.dataset.returnTo };
const cards = [...document.querySelectorAll("[data-tier]")];

start();

async function start() {
  keepReturn();
  if (new URLSearchParams(location.search).get("checkout") === "cancelled") tell("Nothing was paid.");
  let clerk;
  try {
    clerk = await opened();
  } catch {
    return; // the links lead to the sign-up page, which says so
  }
  if (!clerk.isSignedIn) return;
  showAccount(clerk);
  for (const card of cards) arm(clerk, card);
  if (membership(clerk) === page.platform) await showStanding(clerk);
}

// Links to the sign-up page say where the person goes in the end: signing in leads back here.
function keepReturn() {
  for (const link of document.querySelectorAll('a[href^="/signup/"]')) {
    const url = new URL(link.href);
    const back = link.dataset.for === "sign-in" ? address(page, `/p/${page.platform}`) : page.returnTo;
    if (back) url.searchParams.set("return_to", back);
    link.href = url;
  }
}

function showAccount(clerk) {
  const out = element("button", "Sign out", { type: "button", className: "quiet" });
  out.addEventListener("click", () => clerk.signOut({ redirectUrl: location.href }));
  place.replaceChildren(element("span", email(clerk), { className: "who small soft", title: email(clerk) }), out);
}

function arm(clerk, card) {
  card.querySelector("[data-buy]")?.addEventListener("click", (event) => {
    event.preventDefault();
    pressed(event.currentTarget, () => buy(clerk, page, card.dataset.tier));
  });
  card.querySelector("[data-join]")?.addEventListener("click", (event) => {
    event.preventDefault();
    const button = event.currentTarget;
    pressed(button, async () => {
      await join(clerk, page);
      location.assign(page.returnTo || address(page, `/signup/${page.platform}`));
    });
  });
}

async function showStanding(clerk) {
  let usage;
  try {
    usage = await call("/api/usage", { token: await token(clerk, { fresh: true }) });
  } catch (error) {
    tell(`Your plan can't be shown just now. ${error.message}`, error.requestId);
    return;
  }
  const mine = cards.find((card) => card.dataset.tier === usage.plan);
  if (!mine) return;
  reveal(mine);
  const line = mine.querySelector(".billed");
  line.style.height = `${line.offsetHeight}px`; // what stands below it does not move
  line.textContent = line.title = used(usage);
  line.classList.add("used");
  mine.querySelector(".badge").textContent = "Your plan";
  if (mine.dataset.kind === "paid") showManaging(clerk, mine);
  else mine.querySelector(".button").replaceWith(element("span", "Your plan", { className: "button yours" }));
}

// Whoever pays changes or ends it in Stripe's portal, whichever card they press.
function showManaging(clerk, mine) {
  for (const card of cards) {
    const button = card.querySelector("a.button");
    if (card !== mine && !button) continue;
    const label = card === mine ? "Manage billing" : card.dataset.kind === "free" ? "Cancel in billing" : "Switch in billing";
    const open = element("button", label, { type: "button", className: card === mine ? "button yours" : "button second" });
    open.addEventListener("click", () => pressed(open, () => manage(clerk, page)));
    card.querySelector(".button").replaceWith(open);
  }
}

// The card of somebody's plan is not left out of sight behind the other interval.
function reveal(card) {
  const choice = document.querySelector(`[name="interval"][value="${card.dataset.interval}"]`);
  if (choice) choice.checked = true;
}

function used({ usageCount, limit }) {
  const number = new Intl.NumberFormat("en-US");
  const count = number.format(usageCount);
  return limit === "unlimited" ? `${count} calls this month` : `${count} of ${number.format(limit)} calls used`;
}
