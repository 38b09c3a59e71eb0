// Who is signed in to the end-users' Clerk app, joining a platform, and paying for one of its tiers.

import { call, Refusal } from "./api.js";

const TEMPLATE = "end-user-api";

// Clerk, loaded; throws a sentence when its script did not come.
export async function opened({ components = false } = {}) {
  const clerk = window.Clerk;
  if (!clerk) throw new Refusal(0, { message: "Signing in is out of reach just now. Load this page again in a moment." });
  await clerk.load(components ? { ui: { ClerkUI: window.__internal_ClerkUICtor } } : undefined);
  return clerk;
}

export function email(clerk) {
  return clerk.user?.primaryEmailAddress?.emailAddress ?? "";
}

// The platform that the signed-in person belongs to, as Clerk's script knows it; null for one who has none yet.
export function membership(clerk) {
  return clerk.user?.publicMetadata?.platformId ?? null;
}

export async function token(clerk, { fresh = false } = {}) {
  const minted = clerk.session ? await clerk.session.getToken({ template: TEMPLATE, skipCache: fresh }) : null;
  if (!minted) throw new Refusal(401, { message: "Your sign-in has ended. Sign in again." });
  return minted;
}

// Makes the person one of the platform's. A token from before does not say so: a fresh one is minted afterwards.
export async function join(clerk, page) {
  if (membership(clerk) === page.platform) return;
  await call("/api/signup", { token: await token(clerk), body: { platformId: page.platform } });
  await clerk.user.reload();
  await token(clerk, { fresh: true });
}

// To Stripe's page for a tier, or to the portal for who pays already.
export async function buy(clerk, page, tier) {
  await join(clerk, page);
  const body = {
    tier,
    successUrl: address(page, `/welcome/${page.platform}`, { tier }),
    cancelUrl: address(page, `/p/${page.platform}`, { checkout: "cancelled" }),
  };
  if (email(clerk)) body.email = email(clerk);
  const { url } = await call("/api/create-checkout", { token: await token(clerk), body });
  location.assign(url);
}

export async function manage(clerk, page) {
  const body = { returnUrl: address(page, `/p/${page.platform}`) };
  const { url } = await call("/api/customer-portal", { token: await token(clerk), body });
  location.assign(url);
}

// One of the hosted pages, which keeps in mind where the person goes in the end.
export function address(page, path, query = {}) {
  const url = new URL(page.url + path);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  if (page.returnTo) url.searchParams.set("return_to", page.returnTo);
  return url.href;
}
