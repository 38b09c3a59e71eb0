// What Stripe told us last and what became of it; an event that failed can be replayed.

import { query, tenant } from "../api.js";
import { badge, button, empty, h, head, link, table } from "../dom.js";
import { acted, fill } from "../fill.js";
import { ago, moment, number } from "../format.js";
import { done, failed } from "../notices.js";

const STATUS = { done: ["Done", "good"], failed: ["Failed", "bad"], working: ["Working", "accent"] };
const COLUMNS = [
  ["Event", "name"],
  ["State", ""],
  ["What became of it", "later"],
  ["Received", "later"],
  ["Tries", "right later"],
  ["", "right"],
];

export function show(place, view) {
  const list = h("section", { class: "card list" });
  const load = () =>
    fill(
      list,
      view,
      () => events(null, view.signal),
      (found) => drawn(found, view),
      { waiting: ["block tall"] },
    );
  place.append(
    head(
      "Webhooks",
      "The last events of your Stripe account. A failed one is tried again by Stripe, or by you.",
      button("Refresh", load),
    ),
    list,
  );
  load();
}

const events = (cursor, signal) => tenant("GET", `/api/developer/events${query({ cursor, limit: 50 })}`, { signal });

function drawn(found, view) {
  if (!found.events.length) {
    return empty(
      "No events yet",
      "Events arrive once Stripe is connected and somebody buys, changes or cancels a tier.",
      link("Connections", "#connections"),
    );
  }
  const region = table("Events", COLUMNS, []);
  const rows = region.querySelector("tbody");
  rows.append(...found.events.map((event) => row(event, view)));
  return [region, more(found.next, rows, view)];
}

function row(event, view) {
  const [text, kind] = STATUS[event.status] ?? [event.status, ""];
  const again =
    event.status === "failed" &&
    button("Replay", () => replay(event, made, view), { kind: "tiny", label: `Replay ${event.type} ${event.id}` });
  const cells = [
    [
      h("span", {}, breakable(event.type)),
      h("code", { class: "fine under later" }, event.id),
      event.message && h("span", { class: "fine under wrap sooner" }, event.message),
    ],
    badge(text, kind),
    event.message || event.outcome || "–",
    h("time", { datetime: event.receivedAt, title: moment(event.receivedAt) }, ago(event.receivedAt)),
    number(event.attempts),
    again || "",
  ];
  const made = h(
    "tr",
    {},
    cells.map((cell, index) => h("td", { class: COLUMNS[index][1] }, cell)),
  );
  return made;
}

async function replay(event, old, view) {
  const now = await acted(view, () => tenant("POST", "/api/developer/events/replay", { body: { eventId: event.id } }));
  if (!now) return;
  const fresh = row(now, view);
  old.replaceWith(fresh);
  if (now.status === "failed") failed(new Error(now.message || `${now.type} failed again.`));
  else done(`${now.type} was replayed. ${now.message ?? ""}`);
  (fresh.querySelector("button") ?? fresh.closest("[tabindex]")).focus();
}

function more(cursor, rows, view) {
  if (!cursor) return null;
  const place = h("nav", { class: "pages", "aria-label": "Pages" }, h("span"));
  place.append(
    button(
      "Show older events",
      async () => {
        const found = await acted(view, () => events(cursor, view.signal));
        if (!found) return;
        const first = rows.children.length;
        rows.append(...found.events.map((event) => row(event, view)));
        place.replaceWith(more(found.next, rows, view) ?? "");
        rows.children[first]?.scrollIntoView({ block: "nearest" });
      },
      { kind: "tiny" },
    ),
  );
  return place;
}

/** An event's type may be broken after its points. */
function breakable(type) {
  return type.split(/(?<=\.)/).flatMap((part) => [part, h("wbr")]);
}
