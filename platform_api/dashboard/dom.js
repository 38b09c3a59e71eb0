// Elements made from data. Text only ever becomes a text node or an attribute's value: there is no way to pass HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `on…` are listeners, `true` an empty attribute, null and false none; children are nodes, text or lists. */
export function h(tag, attributes = {}, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

let counted = 0;

/** An id nobody else has, to join a label or a message with its field. */
export function uniqueId(name) {
  counted += 1;
  return `${name}-${counted}`;
}

const SHAPES = {
  check: "M3.5 8.5l3 3 6-7",
  cross: "M4 4l8 8M12 4l-8 8",
  up: "M8 12.5v-9M4 7.5l4-4 4 4",
  down: "M8 3.5v9M4 8.5l4 4 4-4",
};

export function sign(name) {
  const path = svg("path", {
    d: SHAPES[name],
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.75",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  });
  return svg("svg", { viewBox: "0 0 16 16", class: "sign", "aria-hidden": "true" }, path);
}

/** A button. While what it does is under way it says so and can't be pressed again. */
export function button(text, act, { kind = "", label = null, type = "button", ...more } = {}) {
  const made = h("button", { type, class: `button ${kind}`, "aria-label": label, ...more }, text);
  made.addEventListener("click", async (event) => {
    if (made.getAttribute("aria-busy") === "true") return;
    const working = act ? act(event) : null;
    if (!(working instanceof Promise)) return;
    made.setAttribute("aria-busy", "true");
    made.setAttribute("aria-disabled", "true");
    try {
      await working;
    } finally {
      made.removeAttribute("aria-busy");
      made.removeAttribute("aria-disabled");
    }
  });
  return made;
}

export function link(text, href, kind = "") {
  return h("a", { href, class: kind ? `button ${kind}` : "button" }, text);
}

export function badge(text, kind = "") {
  return h("span", { class: `badge ${kind}` }, text);
}

/** The head of a view: its title, what it is for, and what can be done. */
export function head(title, text, ...actions) {
  return h(
    "div",
    { class: "head" },
    h("div", {}, h("h1", { tabindex: "-1" }, title), text && h("p", {}, text)),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

export function card(title, text, ...children) {
  const id = uniqueId("card");
  return h(
    "section",
    { class: "card", "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), text && h("p", {}, text)),
    children,
  );
}

/** What a list says instead of nothing: a title, what to do, and the way there. */
export function empty(title, text, ...actions) {
  return h(
    "div",
    { class: "empty" },
    h("h3", {}, title),
    h("p", {}, text),
    actions.length > 0 && h("div", { class: "actions" }, actions),
  );
}

/** How much of a whole is used, as a bar with its meaning in words. */
export function meter(used, limit, label, kind = "") {
  const part = limit > 0 ? Math.min(1, used / limit) : 0;
  const level = part >= 1 ? "bad" : part >= 0.8 ? "warn" : "";
  const fill = h("span");
  fill.style.setProperty("--part", `${Math.round(part * 1000) / 10}%`);
  return h(
    "div",
    {
      class: `meter ${level} ${kind}`,
      role: "meter",
      "aria-valuemin": "0",
      "aria-valuemax": String(limit),
      "aria-valuenow": String(Math.min(used, limit)),
      "aria-label": label,
    },
    fill,
  );
}

/** Terms and what they are, one below the other. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.filter(Boolean).map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))),
  );
}

export function figures(items) {
  return h(
    "dl",
    { class: "figures" },
    items
      .filter(Boolean)
      .map(({ term, value, note, below }) =>
        h(
          "div",
          {},
          h("dt", {}, term),
          h("dd", { class: "figure" }, value),
          note && h("dd", { class: "fine" }, note),
          below && h("dd", {}, below),
        ),
      ),
  );
}

/** A table in a region that scrolls by itself where the screen is narrow. Columns: [title, class]; rows: lists of cells. */
export function table(label, columns, rows) {
  return h(
    "div",
    { class: "scroll", role: "region", "aria-label": label, tabindex: "0" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map(([title, kind = ""]) => h("th", { scope: "col", class: kind }, title)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((cells) =>
          h(
            "tr",
            {},
            cells.map((cell, index) => h("td", { class: columns[index][1] ?? "" }, cell)),
          ),
        ),
      ),
    ),
  );
}

export function bones(...kinds) {
  return kinds.map((kind) => h("span", { class: `bone ${kind}`, "aria-hidden": "true" }));
}
