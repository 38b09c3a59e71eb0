// What end-users see of the platform: its name, where they may be returned to, and the addresses of its pages.

import { bridge, tenantUrl } from "../api.js";
import { button, h, uniqueId } from "../dom.js";
import { acted, fill } from "../fill.js";
import { copy, done } from "../notices.js";
import { SignedOut } from "../session.js";

/** Fill the place with the form; `named` is called with the name that end-users see. */
export function profile(place, view, named) {
  return fill(
    place,
    view,
    () => bridge("GET", "/settings", { signal: view.signal }),
    (found) => {
      named(found.name);
      return form(found, view, named);
    },
    { waiting: ["line", "block"] },
  );
}

function form(found, view, named) {
  const name = labelled(
    "Name",
    h("input", { type: "text", value: found.name ?? "", maxlength: "60", autocomplete: "organization" }),
    "As your pricing and sign-up pages say it.",
  );
  const origins = labelled(
    "Return addresses",
    h("textarea", { rows: "3", value: found.origins.join("\n"), spellcheck: "false" }),
    "Sites your users may be sent back to after they paid or signed up; one a line, like https://app.example.com.",
  );
  const save = async () => {
    for (const one of [name, origins]) one.say("");
    const body = {
      name: name.control.value.trim(),
      origins: origins.control.value
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    };
    const now = await acted(view, async () => {
      try {
        return await bridge("PUT", "/settings", { body });
      } catch (error) {
        if (error instanceof SignedOut || !error.fields?.size) throw error;
        point(error.fields, body, name, origins);
        return null;
      }
    });
    if (!now) return;
    named(now.name);
    done("Name and return addresses are saved.");
  };
  const submit = button("Save", save);
  return h(
    "form",
    {
      class: "stack",
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        submit.click();
      },
    },
    name.box,
    origins.box,
    h("div", {}, submit),
  );
}

function point(problems, body, name, origins) {
  const bad = [...problems].filter(([path]) => path.startsWith("origins"));
  if (problems.has("name")) name.say(problems.get("name"));
  origins.say(
    bad
      .map(([path, text]) => {
        const index = /^origins\.(\d+)/.exec(path)?.[1];
        return index === undefined ? text : `${body.origins[index]}: ${text}`;
      })
      .join(" "),
  );
  (problems.has("name") ? name : origins).control.focus();
}

function labelled(label, control, hint) {
  control.id = uniqueId("setting");
  const said = h("span", { class: "wrong", id: uniqueId("wrong") });
  control.setAttribute("aria-describedby", said.id);
  return {
    control,
    box: h(
      "div",
      { class: "field" },
      h("label", { for: control.id }, label),
      control,
      h("span", { class: "hint" }, hint),
      said,
    ),
    say: (text) => {
      said.textContent = text;
      control.toggleAttribute("aria-invalid", Boolean(text));
      if (text) control.setAttribute("aria-invalid", "true");
    },
  };
}

/** The addresses that are given to end-users. */
export function addresses(platformId) {
  return h(
    "div",
    { class: "stack" },
    [
      ["Pricing page", `${tenantUrl}/p/${platformId}`],
      ["Sign-up page", `${tenantUrl}/signup/${platformId}`],
    ].map(([label, url]) =>
      h(
        "div",
        { class: "field" },
        h("span", { class: "label" }, label),
        h(
          "div",
          { class: "secret" },
          h("code", {}, url),
          h(
            "a",
            {
              class: "button tiny",
              href: url,
              target: "_blank",
              rel: "noopener",
              "aria-label": `Open the ${label.toLowerCase()}`,
            },
            "Open",
          ),
          button("Copy", () => copy(url, label), {
            kind: "tiny",
            label: `Copy the address of the ${label.toLowerCase()}`,
          }),
        ),
      ),
    ),
  );
}
