// After paying: asks our own record until the plan is active, then goes where the person came from, or says it is done.
// Whoever is not signed in here paid from the developer's own page: there is nothing to wait for.

import { address, opened, token } from "./account.js";
import { call } from "./api.js";
import { element } from "./notice.js";

const LONGEST_SECONDS = 60;
const card = document.getElementById("welcome");
const { platform, url, returnTo, tier, title } = card.dataset;
const page = { platform, url, returnTo };
const mark = document.getElementById("mark");
const told = document.getElementById("told");
const actions = document.getElementById("actions");

start();

async function start() {
  let clerk;
  try {
    clerk = await opened();
  } catch {
    return rest();
  }
  if (!clerk.isSignedIn) return rest();
  mark.className = "";
  const began = Date.now();
  let wait = 500;
  let failed = null;
  while (Date.now() - began < LONGEST_SECONDS * 1000) {
    try {
      const usage = await call("/api/usage", { token: await token(clerk) });
      failed = null;
      if (await active(usage)) return arrive(clerk, usage);
    } catch (error) {
      if (error.status === 401 || error.status === 403) return rest();
      failed = error;
    }
    await new Promise((done) => setTimeout(done, wait));
    wait = Math.min(wait * 1.3, 3000);
  }
  giveUp(failed);
}

// The tier that was paid for; whoever came without saying which waits for any that costs something.
async function active(usage) {
  if (tier) return usage.plan === tier;
  const { tiers } = await call(`/api/tiers?platformId=${platform}`);
  return tiers.some((one) => one.name === usage.plan && one.price && one.price.amount > 0);
}

async function arrive(clerk, usage) {
  await token(clerk, { fresh: true }).catch(() => null); // tokens minted from now on name the plan
  if (returnTo) return location.replace(returnTo);
  const limit = usage.limit === "unlimited" ? "unlimited calls" : `${new Intl.NumberFormat("en-US").format(usage.limit)} calls`;
  mark.className = "done";
  told.textContent = `${title || usage.plan} is active: ${limit} a month. You can close this page.`;
  actions.replaceChildren(link("See your plan", address(page, `/p/${platform}`)));
}

function rest() {
  mark.className = "done";
  told.textContent = "Your payment has arrived. Your plan becomes active within a minute; you can close this page.";
}

function giveUp(failed) {
  mark.className = "waiting";
  told.textContent = failed
    ? `Your payment is safe, but we could not ask for your plan: ${failed.message}`
    : "Your payment is safe, but the plan is not active yet. This happens by itself; look again in a few minutes.";
  const again = element("button", "Look again", { type: "button", className: "button" });
  again.addEventListener("click", () => location.reload());
  actions.replaceChildren(again, link(returnTo ? "Go back" : "See the plans", returnTo || address(page, `/p/${platform}`)));
}

function link(text, href) {
  return element("a", text, { href, className: "button second" });
}
