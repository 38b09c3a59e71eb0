// What was published before, and going back to it.

import { bridge, query } from "../api.js";
import { badge, button, empty, h, table } from "../dom.js";
import { acted, fill } from "../fill.js";
import { moment, price } from "../format.js";
import { confirmed, done } from "../notices.js";
import { summary } from "./publish.js";

const COLUMNS = [
  ["Version", ""],
  ["Tiers", "name"],
  ["Published", "later"],
  ["", "right"],
];

/** Fill the place with the versions; `state` is what holds now, `published` is called with what holds after a rollback. */
export function versions(place, view, state, published) {
  const load = (before) => bridge("GET", `/tiers/history${query({ before })}`, { signal: view.signal });
  const row = (one) => {
    const live = one.version === state().published.version;
    return h(
      "tr",
      {},
      [
        [`${one.version} `, live && badge("Live", "good")],
        [
          h("span", {}, one.tiers.map((tier) => tier.displayName).join(", ")),
          h("span", { class: "fine under" }, one.tiers.map((tier) => price(tier.price)).join(", ")),
        ],
        moment(one.publishedAt),
        !live &&
          button("Roll back", () => rollBack(one), { kind: "tiny", label: `Roll back to version ${one.version}` }),
      ].map((cell, index) => h("td", { class: COLUMNS[index][1] }, cell)),
    );
  };
  const rollBack = async (one) => {
    let now = null;
    const went = await confirmed({
      title: `Roll back to version ${one.version}?`,
      action: "Roll back",
      large: true,
      body: [
        h("p", {}, "Its tiers become the next version, and your draft."),
        await summary(state().published.tiers, one.tiers, view),
      ],
      act: async () => {
        now = await bridge("POST", "/tiers/rollback", { body: { version: one.version } });
      },
    });
    if (!went) return;
    done(`Version ${now.published.version} is live, with the tiers of version ${one.version}.`);
    published(now);
  };
  return fill(
    place,
    view,
    () => load(null),
    (found) => {
      if (!found.versions.length)
        return empty("Nothing published yet", "Until you publish, every end-user has 100 calls a month.");
      const region = table("Versions", COLUMNS, []);
      const rows = region.querySelector("tbody");
      const more = h("div", { class: "pages" });
      const add = ({ versions: list, next }) => {
        rows.append(...list.map(row));
        more.hidden = !next;
        more.replaceChildren(
          button(
            "Show older versions",
            async () => {
              const older = await acted(view, () => load(next));
              if (older) add(older);
            },
            { kind: "tiny" },
          ),
        );
      };
      add(found);
      return [region, more];
    },
    { waiting: ["line", "line", "line"] },
  );
}
