// Bars per day as SVG, drawn at the size of their place; the same numbers as a table for who does not see them.

import { h, svg } from "./dom.js";
import { day, number, short } from "./format.js";

const HEIGHT = 220;
const EDGE = { top: 12, right: 4, bottom: 26, left: 44 };

/** `days`: [{date, calls, refused?}]. What is refused stands on top of what was let through. */
export function dailyChart(days, label) {
  const refusals = days.some((one) => one.refused !== undefined);
  const plot = h("div", { class: "plot" });
  const readout = h("p", { class: "readout fine", "aria-hidden": "true" });
  const total = days.reduce((sum, one) => sum + one.calls, 0);
  const calm = () => {
    readout.textContent = `${number(total)} calls in ${days.length} days`;
  };
  const told = (one) => {
    readout.textContent = `${day(one.date)}: ${words(one, refusals)}`;
  };
  calm();
  const draw = () =>
    plot.replaceChildren(
      drawn(
        days,
        plot.clientWidth || 600,
        `${label}. ${number(total)} calls in ${days.length} days; the table below has each day.`,
        told,
      ),
    );
  plot.addEventListener("pointerleave", calm);
  new ResizeObserver(draw).observe(plot);
  return h(
    "figure",
    { class: "chart" },
    h("div", { class: "row apart" }, readout, refusals && legend()),
    plot,
    h("details", {}, h("summary", {}, "Show as a table"), dayTable(days, label, refusals)),
  );
}

function words(one, refusals) {
  return `${number(one.calls)} calls${refusals ? `, ${number(one.refused)} refused` : ""}`;
}

function legend() {
  return h(
    "p",
    { class: "legend fine", "aria-hidden": "true" },
    h("span", { class: "calls" }, "Let through"),
    h("span", { class: "refused" }, "Refused"),
  );
}

function dayTable(days, label, refusals) {
  const columns = ["Day", "Calls", ...(refusals ? ["Refused"] : [])];
  return h(
    "div",
    { class: "days", role: "region", "aria-label": `${label} as a table`, tabindex: "0" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          columns.map((name, index) => h("th", { scope: "col", class: index ? "right" : "" }, name)),
        ),
      ),
      h(
        "tbody",
        {},
        days
          .toReversed()
          .map((one) =>
            h(
              "tr",
              {},
              h("td", {}, day(one.date)),
              h("td", { class: "right" }, number(one.calls)),
              refusals && h("td", { class: "right" }, number(one.refused)),
            ),
          ),
      ),
    ),
  );
}

function drawn(days, width, label, told) {
  const highest = niceTop(Math.max(...days.map((one) => one.calls + (one.refused ?? 0)), 1));
  const inner = { width: width - EDGE.left - EDGE.right, height: HEIGHT - EDGE.top - EDGE.bottom };
  const step = inner.width / days.length;
  const y = (value) => EDGE.top + inner.height * (1 - value / highest);
  const lines = [0, 0.5, 1].map((part) => [
    svg("line", { x1: EDGE.left, x2: width - EDGE.right, y1: y(highest * part), y2: y(highest * part), class: "grid" }),
    svg("text", { x: EDGE.left - 8, y: y(highest * part) + 4, "text-anchor": "end" }, short(highest * part)),
  ]);
  const every = Math.ceil(days.length / Math.max(2, Math.floor(inner.width / 80)));
  const bars = days.map((one, index) => {
    const x = EDGE.left + index * step;
    const bar = (value, from, kind) =>
      value > 0 &&
      svg("rect", {
        x: x + step * 0.16,
        width: Math.max(1, step * 0.68),
        y: y(from + value),
        height: Math.max(1, y(from) - y(from + value)),
        rx: Math.min(3, step * 0.2),
        class: kind,
      });
    const late = (days.length - 1 - index) % every === 0;
    const group = svg(
      "g",
      { class: "day" },
      svg("rect", { x, width: step, y: EDGE.top, height: inner.height, class: "hover" }),
      bar(one.calls, 0, "calls"),
      bar(one.refused ?? 0, one.calls, "refused"),
      late &&
        svg("text", { x: Math.min(x + step / 2, width - 22), y: HEIGHT - 8, "text-anchor": "middle" }, day(one.date)),
    );
    group.addEventListener("pointerenter", () => told(one));
    return group;
  });
  return svg(
    "svg",
    { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label },
    lines,
    bars,
  );
}

/** The next round number at or above, whose half can be written too. */
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const found = [1, 2, 3, 4, 5, 6, 8, 10].map((times) => times * power).find((top) => top >= value);
  return found % 2 && found < 10 ? found + 1 : found;
}
