// Publishing a draft: first what changes for whom, then the act, then what there is to do when it is refused.

import { bridge, tenant } from "../api.js";
import { h } from "../dom.js";
import { confirmed, done } from "../notices.js";
import { changes } from "./changes.js";

/** Ask, publish, and answer what holds then; null when it was not done. */
export async function publish(state, view) {
  const first = state.published.version === 0;
  let now = null;
  const went = await confirmed({
    title: first ? "Publish your tiers?" : `Publish version ${state.published.version + 1}?`,
    action: "Publish",
    large: true,
    body: await summary(state.published.tiers, state.draft.tiers, view),
    act: async () => {
      now = await bridge("POST", "/tiers/publish", { body: {} });
    },
    wayOut: (error) =>
      ["stripe_not_connected", "not_connected"].includes(error.facts?.reason)
        ? ["Connect Stripe", "#connections"]
        : null,
  });
  if (!went) return null;
  done(`Version ${now.published.version} is live. Your end-users have it within two seconds.`);
  return now;
}

/** The changes as a list; how many people each concerns where the metering service can tell. */
export async function summary(before, after, view) {
  let people = null;
  try {
    const { byTier } = await tenant("GET", "/api/developer/dashboard", { signal: view.signal });
    people = new Map(byTier.map((one) => [one.tier, one]));
  } catch {
    // without the numbers the sentences still say what happens
  }
  const found = changes(before, after, people);
  if (!found.length) return h("p", {}, "Nothing changes: these tiers are live already.");
  return h(
    "ul",
    { class: "changes" },
    found.map(({ title, lines }) =>
      h(
        "li",
        {},
        h("h3", {}, title),
        lines.map((line) => h("p", {}, line)),
      ),
    ),
  );
}
