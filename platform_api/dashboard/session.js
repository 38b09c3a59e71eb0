// Who is signed in, by Clerk's browser script. The only file that touches `window.Clerk`.

const TEMPLATE = "dream-api"; // the JWT template whose tokens carry the plan
const LOAD_MS = 15_000;

/** The session has ended; the page asks to sign in again. */
export class SignedOut extends Error {
  constructor() {
    super("Your session has ended. Sign in again.");
    this.name = "SignedOut";
  }
}

/** Clerk's script, loaded and started; an Error that says so when it can't be had. */
export async function start() {
  const late = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("The sign-in service did not answer in time. Try again.")), LOAD_MS);
  });
  if (!window.Clerk) throw new Error("The sign-in service can't be reached. Check your connection and try again.");
  await Promise.race([window.Clerk.load({ ui: { ClerkUI: window.__internal_ClerkUICtor } }), late]);
}

export const signedIn = () => Boolean(window.Clerk.isSignedIn);
export const userId = () => window.Clerk.user?.id ?? null;

/** Call back whenever somebody signs in or out, in this tab or another. */
export function onChange(listener) {
  window.Clerk.addListener(() => listener());
}

/** A token for our services; SignedOut when the session has ended. Without the template the plain token does. */
export async function token({ fresh = false } = {}) {
  const jwt = (await minted({ template: TEMPLATE, skipCache: fresh })) ?? (await minted({ skipCache: fresh }));
  if (!jwt) throw new SignedOut();
  return jwt;
}

async function minted(options) {
  try {
    return (await window.Clerk.session?.getToken(options)) ?? null;
  } catch (error) {
    if (error.name !== "ClerkOfflineError" && !(error instanceof TypeError)) return null;
    throw new Error("The sign-in service can't be reached. Check your connection and try again.");
  }
}

export function mountAccount(element) {
  window.Clerk.mountUserButton(element);
}

export function unmountAccount(element) {
  window.Clerk.unmountUserButton(element);
}

/** Clerk's form to sign in (or up); afterwards the page is where it was. */
export function mountSignIn(element, back) {
  window.Clerk.mountSignIn(element, { forceRedirectUrl: back, signUpForceRedirectUrl: back, withSignUp: true });
}

export function unmountSignIn(element) {
  window.Clerk.unmountSignIn(element);
}

export async function signOut() {
  await window.Clerk.signOut();
}
