// The draft as a list of forms. It knows what is typed, whether that is saved, and where the service found fault.

import { button, h } from "../dom.js";
import { say } from "../notices.js";
import { tierForm } from "./form.js";

const MOST = 20;

/** `changed` is called with the tiers as they are typed, after every change. */
export function editor(tiers, changed) {
  const list = h("div", { class: "tier-list" });
  const overall = h("p", { class: "note bad", role: "alert", hidden: true });
  const add = button("Add a tier", () => append(null));
  const element = h("div", { class: "editor" }, overall, list, h("div", {}, add));
  let forms = [];
  let saved = "";

  const read = () => forms.map((form) => form.read());
  const now = () => read().map(({ tier }) => tier);
  const told = () => {
    forms.forEach((form) => form.refresh());
    add.disabled = forms.length >= MOST;
    changed(now());
  };
  const typed = () =>
    JSON.stringify(
      forms.map(({ fields }) =>
        Object.values(fields).map(({ control, endless }) => [control.value, control.checked, endless?.checked]),
      ),
    );

  function form(tier) {
    const one = tierForm(tier, {
      moved: (step) => move(one, step),
      removed: () => remove(one),
    });
    return one;
  }

  function append(tier) {
    const one = form(tier);
    forms.push(one);
    list.append(one.element);
    one.fields.displayName.control.focus();
    told();
  }

  function move(one, step) {
    const from = forms.indexOf(one);
    const to = from + step;
    if (to < 0 || to >= forms.length) return;
    forms.splice(to, 0, ...forms.splice(from, 1));
    list.replaceChildren(...forms.map(({ element: each }) => each));
    one.element.querySelector(`button[aria-label$="${step < 0 ? "up" : "down"}"]`).focus();
    say(`Now tier ${to + 1} of ${forms.length}.`);
    told();
  }

  function remove(one) {
    forms = forms.filter((other) => other !== one);
    one.element.remove();
    say("Tier removed from the draft.");
    add.focus();
    told();
  }

  function reset(fresh) {
    forms = fresh.map(form);
    list.replaceChildren(...forms.map(({ element: each }) => each));
    clear();
    saved = typed();
    told();
  }

  function clear() {
    overall.hidden = true;
    forms.forEach((one) => one.wrong(null));
  }

  /** Show each problem, [path, sentence], where it belongs: `tiers.0.limit` at that field, the rest above. */
  function mark(problems) {
    clear();
    const others = problems.filter(([path, text]) => {
      const [, index, rest] = /^tiers\.(\d+)\.(.+)$/.exec(path) ?? [];
      return !(index !== undefined && forms[index]?.wrong(rest, text));
    });
    overall.textContent = others.map(([, text]) => text).join(" ");
    overall.hidden = others.length === 0;
    element.querySelector('[aria-invalid="true"]')?.focus();
  }

  list.addEventListener("input", told);
  reset(tiers);
  return {
    element,
    reset,
    mark,
    clear,
    now,
    get dirty() {
      return typed() !== saved;
    },
    /** What can't be sent as it is typed; empty when the service may be asked. */
    problems: () =>
      read().flatMap(({ problems }, index) => problems.map(([name, text]) => [`tiers.${index}.${name}`, text])),
  };
}
