// What brought the developer back: the outcome of a payment, or of linking an account elsewhere, is said once.

import { done, failed } from "./notices.js";

const STRIPE = {
  connected: "Your Stripe account is connected. You can publish tiers with a price now.",
  denied: "You did not allow the connection at Stripe, so nothing was changed.",
  refused: "Stripe refused the connection. Check the account's state at Stripe, then connect again.",
  failed: "Stripe could not be reached to finish the connection. Connect again.",
  in_use: "That Stripe account is connected to another platform. Use another one, or disconnect it there first.",
  invalid_state: "That link to connect had expired or was used already. Connect again from here.",
};
const GITHUB = {
  linked: "Your GitHub account is linked.",
  denied: "You did not allow the link at GitHub, so nothing was changed.",
  refused: "GitHub refused the link. Try again.",
  failed: "GitHub could not be reached to finish the link. Try again.",
  in_use: "That GitHub account is linked to another developer. Use another one, or unlink it there first.",
  invalid_state: "That link had expired or was used already. Link again from here.",
};
const GOOD = new Set(["connected", "linked"]);

/** True once after a checkout that was paid: the plan follows within seconds. */
export let paidJustNow = false;

export function paidSeen() {
  paidJustNow = false;
}

/** Read the outcome from the address, say it, and take it out of the address. */
export function arrived() {
  const here = new URL(location.href);
  for (const [name, sentences] of [
    ["stripe", STRIPE],
    ["github", GITHUB],
  ]) {
    const outcome = here.searchParams.get(name);
    if (outcome === null) continue;
    const text = sentences[outcome] ?? "The connection did not work. Try again.";
    if (GOOD.has(outcome)) done(text);
    else failed(new Error(text));
    here.hash = "connections";
  }
  const checkout = here.searchParams.get("checkout");
  if (checkout === "done") paidJustNow = true;
  else if (checkout === "cancelled") done("You left the payment page. Nothing was charged.");
  for (const name of ["stripe", "github", "checkout"]) here.searchParams.delete(name);
  if (here.href !== location.href) history.replaceState(null, "", here);
}
