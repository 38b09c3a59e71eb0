// The platform id and the API key: shown when asked, copied, rotated with an overlap, revoked; and code that uses them.

import { changeCredentials, credentials, tenantUrl } from "../api.js";
import { badge, button, card, empty, facts, h, head, uniqueId } from "../dom.js";
import { acted, fill } from "../fill.js";
import { ago, moment } from "../format.js";
import { leakNotices, leakPolicy, leaks } from "../leaks.js";
import { confirmed, copy, done, say } from "../notices.js";
import { LANGUAGES, snippet } from "../snippets.js";

const OVERLAPS = [
  [24, "24 hours, time to deploy the new one"],
  [1, "1 hour"],
  [168, "7 days"],
  [0, "Not at all: it stops at once"],
];

export function show(place, view) {
  const body = h("div", { class: "stack" });
  place.append(
    head(
      "Credentials",
      "Your server identifies itself with these. The key is a secret: keep it out of pages and apps.",
    ),
    body,
  );
  const load = (fresh) => Promise.all([credentials({ signal: view.signal, fresh }), leaks(view.signal)]);
  const draw = ([found, leaked]) => {
    if (found === null) return none(again, view);
    const shown = found.apiKey ? present(found, again, view) : revoked(found, again, view);
    return [leakNotices(leaked, view, again), shown, leakPolicy(leaked, view)];
  };
  const again = () => fill(body, view, () => load(false), draw, { waiting: ["block", "block"] });
  fill(body, view, () => load(true), draw, { waiting: ["block", "block"] });
}

function none(again, view) {
  return h(
    "section",
    { class: "card" },
    empty(
      "Create your platform",
      "You get a platform id and an API key at once, on every plan. Then your server can count its first call.",
      button("Create platform and key", () => generate(again, view), { kind: "main" }),
    ),
  );
}

function revoked(found, again, view) {
  return [
    card(
      "Your platform",
      null,
      facts([
        ["Platform id", identifier(found.platformId)],
        ["API key", badge("Revoked", "bad")],
        ["Revoked", moment(found.revokedAt)],
      ]),
      h(
        "p",
        { class: "note" },
        "No key works at present. Your platform, its tiers and its customers are kept; create a new key to go on.",
      ),
      h(
        "footer",
        {},
        button("Create new key", () => generate(again, view), { kind: "main" }),
      ),
    ),
  ];
}

async function generate(again, view) {
  if (!(await acted(view, () => changeCredentials("generate")))) return;
  done("Your API key is ready.");
  again();
}

function present(found, again, view) {
  const until = found.previousKeyValidUntil;
  const shown = { key: false };
  const code = snippets(found.apiKey, shown);
  return [
    card(
      "Your platform",
      null,
      facts([
        ["Platform id", identifier(found.platformId)],
        ["API key", secret(found.apiKey, shown, code.redraw)],
        ["Created", moment(found.createdAt)],
        found.rotatedAt && ["Last rotated", moment(found.rotatedAt)],
      ]),
      until &&
        h("p", { class: "note warn" }, `The key before this one still works until ${moment(until)} (${ago(until)}).`),
      h(
        "footer",
        {},
        button("Rotate key", () => rotate(again)),
        button("Revoke", () => revoke(again), { kind: "danger" }),
      ),
    ),
    code.element,
  ];
}

function identifier(id) {
  return h(
    "div",
    { class: "secret" },
    h("code", {}, id),
    button("Copy", () => copy(id, "Platform id"), { kind: "tiny", label: "Copy the platform id" }),
  );
}

const masked = (key) => `${key.slice(0, 8)}${"•".repeat(16)}${key.slice(-4)}`;

function secret(key, shown, redraw) {
  const code = h("code", {}, masked(key));
  const toggle = button(
    "Show",
    () => {
      shown.key = !shown.key;
      code.textContent = shown.key ? key : masked(key);
      toggle.textContent = shown.key ? "Hide" : "Show";
      toggle.setAttribute("aria-pressed", String(shown.key));
      say(shown.key ? "The key is shown." : "The key is hidden.");
      redraw();
    },
    { kind: "tiny", label: "Show the API key", "aria-pressed": "false" },
  );
  return h(
    "div",
    { class: "secret" },
    code,
    toggle,
    button("Copy", () => copy(key, "API key"), { kind: "tiny", label: "Copy the API key" }),
  );
}

/** The code to paste, in a language to choose; the key in it is masked until the key is shown, but always copied. */
function snippets(key, shown) {
  const panel = uniqueId("code");
  const code = h("code");
  let chosen = LANGUAGES[0];
  const redraw = () => {
    code.textContent = snippet(chosen, tenantUrl, shown.key ? key : masked(key));
  };
  const tabs = LANGUAGES.map((language) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        "aria-controls": panel,
        onclick: () => choose(language),
        onkeydown: (event) => move(event),
      },
      language,
    ),
  );
  function choose(language) {
    chosen = language;
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(LANGUAGES[index] === language));
      tab.tabIndex = LANGUAGES[index] === language ? 0 : -1;
    });
    redraw();
  }
  function move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (LANGUAGES.indexOf(chosen) + step + LANGUAGES.length) % LANGUAGES.length;
    choose(LANGUAGES[next]);
    tabs[next].focus();
  }
  choose(chosen);
  const element = card(
    "Make a call",
    "Counts one call of the end-user alice. Send it again and see the numbers on the overview change.",
    h(
      "div",
      { class: "row apart" },
      h("div", { class: "choices", role: "tablist", "aria-label": "Language" }, tabs),
      button("Copy code", () => copy(snippet(chosen, tenantUrl, key), `${chosen} code with your key`), {
        kind: "tiny",
      }),
    ),
    h("pre", { id: panel, role: "tabpanel", tabindex: "0", "aria-label": "Code" }, code),
  );
  return { element, redraw };
}

async function rotate(again) {
  const name = uniqueId("overlap");
  const choices = OVERLAPS.map(([hours, text], index) =>
    h(
      "label",
      { class: "check" },
      h("input", { type: "radio", name, value: String(hours), checked: index === 0 }),
      text,
    ),
  );
  const chosen = () => Number(choices.map((choice) => choice.firstChild).find((input) => input.checked).value);
  const went = await confirmed({
    title: "Rotate the API key",
    action: "Rotate key",
    body: [
      h("p", {}, "You get a new key now. How long does the present one keep working?"),
      h("div", { class: "options", role: "radiogroup", "aria-label": "The present key keeps working for" }, choices),
    ],
    act: () => changeCredentials("rotate", { overlapHours: chosen() }),
  });
  if (!went) return;
  done("Your new key is ready. Deploy it to your server.");
  again();
}

async function revoke(again) {
  const went = await confirmed({
    title: "Revoke the API key?",
    action: "Revoke key",
    danger: true,
    body: h(
      "p",
      {},
      "Every call with it is refused within two seconds, also with a key that was rotated away and still works. Your users are locked out until your server has a new key.",
    ),
    act: () => changeCredentials("revoke"),
  });
  if (!went) return;
  done("The key is revoked.");
  again();
}
