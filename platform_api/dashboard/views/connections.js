// The accounts elsewhere: Stripe, on which end-users pay the developer, and GitHub, which says who the developer is.

import { bridge, credentials } from "../api.js";
import { badge, button, card, empty, facts, h, head, link } from "../dom.js";
import { acted, fill } from "../fill.js";
import { date } from "../format.js";
import { confirmed, done } from "../notices.js";

export function show(place, view) {
  const body = h("div", { class: "pair" });
  place.append(head("Connections", "Your accounts elsewhere that dream-api works with."), body);
  fill(
    body,
    view,
    () => connections(view.signal),
    (found) => (found ? cards(found, body, view) : none()),
    { waiting: ["block", "block"] },
  );
}

async function connections(signal) {
  return (await credentials({ signal })) ? bridge("GET", "/connections", { signal }) : null;
}

function none() {
  return h(
    "section",
    { class: "card" },
    empty(
      "Create your platform first",
      "Accounts are connected to your platform, which comes with your API key.",
      link("Create platform and key", "#credentials", "main"),
    ),
  );
}

function cards(found, body, view) {
  const redraw = (now) => body.replaceChildren(...cards(now, body, view));
  return [stripe(found.stripe, redraw, view), github(found.github, redraw, view)];
}

function titled(title, text, mark, ...children) {
  const box = card(title, text, children);
  box.querySelector("h2").after(mark);
  return box;
}

function stripe(found, redraw, view) {
  const text = "Your users pay you directly, on your own Stripe account.";
  const connect = (label) => button(label, () => leave("/stripe/authorize", view), { kind: "main" });
  if (!found.available) return titled("Stripe", text, badge("Not available"), unavailable("Stripe"));
  const known = [
    found.accountId && ["Account", h("code", {}, found.accountId)],
    found.accountId &&
      found.livemode !== null && ["Mode", badge(found.livemode ? "Live" : "Test", found.livemode ? "good" : "accent")],
    found.connectedAt && ["Connected", date(found.connectedAt)],
  ];
  if (found.status === "connected") {
    return titled(
      "Stripe",
      text,
      badge("Connected", "good"),
      facts(known),
      h(
        "footer",
        {},
        h(
          "a",
          { class: "button", href: "https://dashboard.stripe.com/", target: "_blank", rel: "noopener" },
          "Open Stripe",
        ),
        button("Disconnect", () => disconnect(redraw), { kind: "danger" }),
      ),
    );
  }
  if (found.status === "disconnected") {
    return titled(
      "Stripe",
      text,
      badge("Disconnected", "warn"),
      facts(known),
      h("p", { class: "note warn" }, "Nobody can buy a tier now. Connect again to go on selling."),
      h("footer", {}, connect("Connect again")),
    );
  }
  return titled(
    "Stripe",
    text,
    badge("Not connected"),
    h(
      "p",
      { class: "soft" },
      "You are taken to Stripe to allow it, and come back here. Prices are made on your account when you publish tiers.",
    ),
    h("footer", {}, connect("Connect Stripe")),
  );
}

function github(found, redraw, view) {
  const text = "Shows your users who is behind the API.";
  if (!found.available) return titled("GitHub", text, badge("Not available"), unavailable("GitHub"));
  if (found.linked) {
    return titled(
      "GitHub",
      text,
      badge("Linked", "good"),
      facts([["Account", found.login], found.linkedAt && ["Linked", date(found.linkedAt)]]),
      h(
        "footer",
        {},
        button("Unlink", () => unlink(redraw), { kind: "danger" }),
      ),
    );
  }
  return titled(
    "GitHub",
    text,
    badge("Not linked"),
    h("p", { class: "soft" }, "Only your public profile is read, and nothing is written."),
    h(
      "footer",
      {},
      button("Link GitHub", () => leave("/github/authorize", view), { kind: "main" }),
    ),
  );
}

function unavailable(name) {
  return h("p", { class: "note" }, `Whoever runs this installation has not set up ${name}. Ask them to.`);
}

/** Go to the other side; the cookie that comes with the answer binds the return to this browser. */
function leave(path, view) {
  return acted(view, async () => location.assign((await bridge("GET", path, { withCookie: true })).url));
}

async function disconnect(redraw) {
  let now = null;
  const went = await confirmed({
    title: "Disconnect Stripe?",
    action: "Disconnect",
    danger: true,
    body: h(
      "p",
      {},
      "Nobody can buy a tier any more, and dream-api hears nothing more of subscriptions on that account. Subscriptions themselves go on at Stripe until you end them there.",
    ),
    act: async () => {
      now = await bridge("POST", "/stripe/disconnect", { body: {} });
    },
  });
  if (!went) return;
  done("Stripe is disconnected.");
  redraw(now);
}

async function unlink(redraw) {
  let now = null;
  const went = await confirmed({
    title: "Unlink GitHub?",
    action: "Unlink",
    danger: true,
    body: h("p", {}, "Your GitHub account is no longer named. You can link it again at any time."),
    act: async () => {
      now = await bridge("POST", "/github/unlink", { body: {} });
    },
  });
  if (!went) return;
  done("GitHub is unlinked.");
  redraw(now);
}
