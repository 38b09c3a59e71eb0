// Keys that a scanner found in public: the notices, and what is to be done by itself. Addresses are shown as text only.

import { platform } from "./api.js";
import { button, card, h, link, uniqueId } from "./dom.js";
import { acted } from "./fill.js";
import { ago, moment } from "./format.js";
import { done } from "./notices.js";

const POLICIES = [
  ["notify", "Tell me", "The key works on until you rotate or revoke it."],
  ["rotate", "Rotate it", "You get a new key at once; the leaked one works on for the usual overlap."],
  ["stop", "Stop it", "The leaked key is refused at once. Your users are locked out until your server has a new one."],
];

/** The developer's policy and notices. */
export const leaks = (signal) => platform("GET", "/leaks", { signal });

/** One card a leaked key; `way` leads to where it can be answered, where that is not here. */
export function leakNotices(found, view, again, way = null) {
  return found.notices.map((notice) =>
    card(
      "Your API key was found in public",
      null,
      h("p", { class: `note ${notice.works ? "bad" : "warn"}` }, said(notice)),
      h(
        "ul",
        { class: "places" },
        notice.places.map((place) =>
          h(
            "li",
            {},
            h("code", { class: "wrap" }, place.url || "Address not told"),
            h("span", { class: "fine" }, `${words(place.source)}, reported ${ago(place.at)}`),
          ),
        ),
      ),
      h(
        "footer",
        {},
        way && link("Go to credentials", way, "main"),
        button("Dismiss", () => dismiss(notice, view, again), {
          label: `Dismiss the notice about the key ending in ${notice.keyEnd}`,
        }),
      ),
    ),
  );
}

function said({ keyEnd, done, doneAt, works, worksUntil }) {
  const key = `The key ending in ${keyEnd}`;
  if (done === "stopped") return `${key} was stopped ${ago(doneAt)} (${moment(doneAt)}), as you have chosen.`;
  if (!works) return `${key} works no more.`;
  if (done === "rotated")
    return `${key} was rotated ${ago(doneAt)} and works until ${moment(worksUntil)}. Deploy the new key before then.`;
  if (done === "ending") return `${key} had been rotated already and works until ${moment(worksUntil)}.`;
  if (worksUntil) return `${key} works until ${moment(worksUntil)}.`;
  return `${key} still works. Whoever finds it can use up your users' calls: rotate it.`;
}

const words = (source) => (source ? source.replaceAll("_", " ") : "no source told");

async function dismiss(notice, view, again) {
  if (!(await acted(view, () => platform("POST", "/dismiss-leak", { body: { id: notice.id } })))) return;
  done("The notice is dismissed.");
  again();
}

/** What is to be done with a leaked key; nothing where nobody would tell of one. */
export function leakPolicy(found, view) {
  if (!found.watched) return null;
  const name = uniqueId("policy");
  const choices = POLICIES.map(([policy, title, text]) =>
    h(
      "label",
      { class: "check" },
      h("input", { type: "radio", name, value: policy, checked: policy === found.policy }),
      h("span", {}, h("strong", {}, title), h("span", { class: "fine" }, ` ${text}`)),
    ),
  );
  const chosen = () => choices.map((choice) => choice.firstChild).find((input) => input.checked).value;
  const save = button("Save", async () => {
    const body = { policy: chosen() };
    if (await acted(view, () => platform("POST", "/set-leak-policy", { body }))) done("Saved for the next alert.");
  });
  return card(
    "When a key leaks",
    "Public code is searched for keys like yours. Choose what happens with one that is found there.",
    h("div", { class: "options", role: "radiogroup", "aria-label": "What happens with a leaked key" }, choices),
    h("footer", {}, save),
  );
}
