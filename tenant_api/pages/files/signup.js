// Signing up or in, then joining the platform, then on: to Stripe's page for a tier, to where the person came from, or
// to a sentence that says they are done. Loading the page again does it all again and comes to the same.

import { address, buy, email, join, opened } from "./account.js";
import { element, pressed } from "./notice.js";

const card = document.getElementById("signup");
const { platform, url, returnTo, tier, known } = card.dataset;
const page = { platform, url, returnTo };
const title = card.querySelector("h1");
const told = document.getElementById("told");
const form = document.getElementById("clerk");
const actions = document.getElementById("actions");

start();

async function start() {
  for (const link of document.querySelectorAll("[data-keep]")) link.href = kept(link.href);
  form.replaceChildren(element("p", "", { className: "working" }));
  try {
    const clerk = await opened({ components: true });
    if (clerk.isSignedIn) await enter(clerk);
    else ask(clerk);
  } catch (error) {
    refuse(error);
  }
}

// Clerk's own form; when it is done this page is loaded again, signed in.
function ask(clerk) {
  const here = new URL(location.href);
  here.hash = "";
  const back = { forceRedirectUrl: here.href, signInForceRedirectUrl: here.href, signUpForceRedirectUrl: here.href };
  form.replaceChildren();
  if (known) clerk.mountSignIn(form, { ...back, signUpUrl: kept(address(page, `/signup/${platform}`)) });
  else clerk.mountSignUp(form, { ...back, signInUrl: kept(address(page, `/signup/${platform}`, { known: "1" })) });
}

async function enter(clerk) {
  document.getElementById("other").replaceChildren();
  try {
    if (tier) return await buy(clerk, page, tier);
    await join(clerk, page);
  } catch (error) {
    return refuse(error, clerk);
  }
  if (returnTo) return location.replace(returnTo);
  form.remove();
  title.textContent = "You are all set";
  told.textContent = `${email(clerk)} has an account here.`;
  actions.replaceChildren(link("See the plans", address(page, `/p/${platform}`)));
}

function refuse(error, clerk = null) {
  form.remove();
  title.textContent = error.reason === "other_platform" ? "This account is in use elsewhere" : "That did not work";
  told.textContent = error.requestId && error.status !== 409 ? `${error.message} (Request ${error.requestId})` : error.message;
  const buttons = [];
  if (clerk) {
    const out = element("button", `Sign out ${email(clerk)}`, { type: "button", className: "button second" });
    out.addEventListener("click", () => pressed(out, () => clerk.signOut({ redirectUrl: location.href })));
    buttons.push(out);
  }
  if (error.reason !== "other_platform") {
    const again = element("button", "Try again", { type: "button", className: "button" });
    again.addEventListener("click", () => location.reload());
    buttons.unshift(again);
  }
  buttons.push(link("See the plans", address(page, `/p/${platform}`)));
  actions.replaceChildren(...buttons);
}

function link(text, href) {
  return element("a", text, { href, className: "button second" });
}

// The same page in its other form, on the way to the same end.
function kept(href) {
  const there = new URL(href);
  if (returnTo) there.searchParams.set("return_to", returnTo);
  if (tier) there.searchParams.set("tier", tier);
  return there.href;
}
