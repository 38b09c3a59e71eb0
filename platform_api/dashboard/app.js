// The dashboard's frame: who is signed in, which view the address names, and what is shown when neither can be told.

import { forget } from "./api.js";
import { button, h } from "./dom.js";
import { arrived } from "./arrivals.js";
import { problem } from "./notices.js";
import * as session from "./session.js";

const VIEWS = {
  overview: () => import("./views/overview.js"),
  credentials: () => import("./views/credentials.js"),
  tiers: () => import("./views/tiers.js"),
  customers: () => import("./views/customers.js"),
  customer: () => import("./views/customer.js"),
  insights: () => import("./views/insights.js"),
  connections: () => import("./views/connections.js"),
  webhooks: () => import("./views/webhooks.js"),
};
const TITLES = {
  overview: "Overview",
  credentials: "Credentials",
  tiers: "Tiers",
  customers: "Customers",
  customer: "Customer",
  insights: "Insights",
  connections: "Connections",
  webhooks: "Webhooks",
};

const main = document.getElementById("main");
const account = document.getElementById("account");
let showing = null; // the view on screen: how to end it, and the address it was shown for
let user; // undefined until Clerk has told; null while nobody is signed in

/** `#customers/alice?sort=name` as its view, the rest of its path, and its query. */
function address() {
  const [path, asked = ""] = location.hash.slice(1).split("?");
  const [first, ...rest] = path.split("/").map(decoded);
  if (first === "customers" && rest.length) return { name: "customer", rest, query: new URLSearchParams(asked) };
  if (first === "billing") return { name: "overview", rest: ["billing"], query: new URLSearchParams(asked) };
  return { name: Object.hasOwn(TITLES, first) ? first : "overview", rest, query: new URLSearchParams(asked) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function state(name) {
  document.documentElement.dataset.state = name;
}

function end() {
  showing?.stop.abort();
  showing = null;
}

async function show({ focus }) {
  const { name, rest, query } = address();
  end();
  const stop = new AbortController();
  showing = { stop, hash: location.hash };
  document.title = `${TITLES[name]} · dream-api`;
  for (const tab of document.querySelectorAll("#tabs a")) {
    const here = tab.hash === `#${name === "customer" ? "customers" : name}`;
    tab.toggleAttribute("aria-current", here);
    if (here) {
      tab.setAttribute("aria-current", "page");
      tab.scrollIntoView({ block: "nearest", inline: "center" });
    }
  }
  try {
    const view = await VIEWS[name]();
    if (stop.signal.aborted) return;
    const place = h("div", { class: "view" });
    main.replaceChildren(place);
    main.removeAttribute("aria-busy");
    view.show(place, {
      rest,
      query,
      signal: stop.signal,
      ended,
      refresh: () => show({ focus: false }),
      moved: () => {
        showing.hash = location.hash;
      },
      leave: (ask) => {
        showing.ask = ask;
      },
    });
    if (focus) {
      scrollTo(0, 0);
      main.querySelector("h1")?.focus({ preventScroll: true });
    }
  } catch {
    if (!stop.signal.aborted)
      main.replaceChildren(problem(new Error("This page could not be loaded. Try again."), () => show({ focus })));
  }
}

/** A view asks before it is left with unsaved work; who stays gets the address back. */
function moved() {
  if (!showing || location.hash === showing.hash) return;
  if (showing.ask && !showing.ask()) {
    history.replaceState(null, "", showing.hash || "#overview");
    return;
  }
  show({ focus: true });
}

/** The session is over although the page is open: say so, and keep the address for afterwards. */
function ended() {
  end();
  user = null;
  gate(
    "Your session has ended",
    "Sign in again to go on where you were.",
    button(
      "Sign in again",
      async () => {
        await session.signOut().catch(() => {});
        signedOut();
      },
      { kind: "main" },
    ),
  );
}

function gate(title, text, ...below) {
  state("out");
  document.title = `${title} · dream-api`;
  main.removeAttribute("aria-busy");
  main.replaceChildren(
    h("div", { class: "gate" }, h("div", {}, h("h1", { tabindex: "-1" }, title), h("p", {}, text)), below),
  );
}

function signedOut() {
  const place = h("div", { class: "sign-in" });
  gate("Sign in to dream-api", "Meter, limit and charge for your API. A new account is free.", place);
  session.mountSignIn(place, location.href);
}

function changed() {
  const now = session.signedIn() ? session.userId() : null;
  if (now === user) return; // Clerk tells of much more: a form half filled in must stay
  end();
  forget();
  user = now;
  if (now === null) {
    signedOut();
    return;
  }
  state("in");
  session.mountAccount(account);
  arrived();
  show({ focus: false });
}

async function begin() {
  state("loading");
  try {
    await session.start();
  } catch (error) {
    gate(
      "The dashboard can't start",
      "Everything you have set up keeps working meanwhile.",
      problem(error, () => location.reload()),
    );
    return;
  }
  session.onChange(changed);
  changed();
  addEventListener("hashchange", moved);
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view, so it can't name the place to skip to
  main.focus();
});
if (document.readyState === "complete") begin();
else addEventListener("load", begin);
