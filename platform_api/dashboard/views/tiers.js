// Tiers: the draft in an editor with the pricing page beside it, saving, previewing, publishing, versions and settings.

import { bridge, credentials } from "../api.js";
import { badge, button, card, empty, h, head, link } from "../dom.js";
import { acted, fill } from "../fill.js";
import { moment, plural } from "../format.js";
import { copy, dialog, done, failed, say } from "../notices.js";
import { editor } from "../tiers/editor.js";
import { pricing } from "../tiers/preview.js";
import { addresses, profile } from "../tiers/profile.js";
import { publish } from "../tiers/publish.js";
import { versions } from "../tiers/versions.js";

export function show(place, view) {
  const body = h("div", { class: "stack" });
  place.append(head("Tiers", "What your end-users can have, what it costs, and how much they may call."), body);
  fill(
    body,
    view,
    () => load(view.signal),
    (state) => (state ? workbench(state, view) : none()),
    { waiting: ["block", "block tall"] },
  );
}

async function load(signal) {
  return (await credentials({ signal })) ? bridge("GET", "/tiers", { signal }) : null;
}

function none() {
  return h(
    "section",
    { class: "card" },
    empty(
      "Create your platform first",
      "Tiers belong to your platform, which comes with your API key.",
      link("Create platform and key", "#credentials", "main"),
    ),
  );
}

function workbench(found, view) {
  let state = found;
  let name = "";
  const picture = h("div", { class: "pricing" });
  const standing = h("div", { class: "row", role: "status" });
  const history = h("div");
  let draft = null;
  draft = editor(state.draft.tiers, () => redraw());
  const save = button("Save draft", async () => {
    if (await saved()) done("Draft saved. Nothing changes for your users until you publish.");
  });
  const go = button("Publish…", () => publishing(), { kind: "main" });

  function redraw() {
    if (!draft) return;
    picture.replaceChildren(...pricing(name, draft.now()).filter(Boolean));
    const differs = draft.dirty || JSON.stringify(state.draft.tiers) !== JSON.stringify(state.published.tiers);
    standing.replaceChildren(
      ...[
        state.published.version
          ? badge(`Version ${state.published.version} is live`, "good")
          : badge("Nothing published yet"),
        draft.dirty ? badge("Unsaved changes", "warn") : differs && badge("Draft not published", "accent"),
      ].filter(Boolean),
    );
    save.disabled = !draft.dirty;
  }

  function take(now) {
    state = now;
    draft.reset(state.draft.tiers);
    redraw();
  }

  /** Save what is typed; true when the draft at the service is what is on screen. */
  async function saved() {
    const problems = draft.problems();
    if (problems.length) return refused(problems);
    const now = await acted(view, async () => {
      try {
        return await bridge("PUT", "/tiers", { body: { tiers: draft.now() } });
      } catch (error) {
        if (!error.fields?.size) throw error;
        return refused([...error.fields]);
      }
    });
    if (!now) return false;
    take(now);
    return true;
  }

  function refused(problems) {
    draft.mark(problems);
    failed(new Error(`The draft is not saved: ${plural(problems.length, "field needs", "fields need")} a look.`));
    return false;
  }

  async function publishing() {
    if (draft.dirty && !(await saved())) return;
    const now = await publish(state, view);
    if (now) published(now);
  }

  function published(now) {
    take(now);
    versions(history, view, () => state, published);
  }

  async function previewing() {
    if (draft.dirty && !(await saved())) return;
    const made = await acted(view, () => bridge("POST", "/tiers/preview", { body: {} }));
    if (made) preview(made, view);
  }

  redraw();
  view.leave(() => !draft.dirty || confirm("Leave without saving your draft?"));
  const warn = (event) => {
    if (draft.dirty) event.preventDefault();
  };
  addEventListener("beforeunload", warn);
  view.signal.addEventListener("abort", () => removeEventListener("beforeunload", warn));
  const pages = card(
    "Pricing and sign-up pages",
    "What your users see of you. They are there from your first publish on.",
    h(
      "div",
      { class: "pair" },
      addresses(state.platformId),
      settings(view, (now) => {
        name = now;
        redraw();
      }),
    ),
  );
  versions(history, view, () => state, published);
  return [
    h(
      "div",
      { class: "toolbar" },
      standing,
      h("div", { class: "actions" }, button("Preview link", previewing), save, go),
    ),
    h(
      "div",
      { class: "pair wide" },
      card("Draft", null, draft.element),
      h(
        "aside",
        { class: "card beside", "aria-label": "Preview of the pricing page" },
        h("header", {}, h("h2", {}, "Preview"), h("span", { class: "fine" }, "As you type")),
        picture,
      ),
    ),
    pages,
    h("section", { class: "card", "aria-label": "Versions" }, h("header", {}, h("h2", {}, "Versions")), history),
  ];
}

function settings(view, named) {
  const place = h("div");
  profile(place, view, named);
  return place;
}

/** The link to the draft, for somebody to look at before it is published. */
function preview({ url, expiresAt }, view) {
  const shown = dialog(
    "Preview link",
    [
      h(
        "p",
        {},
        `Whoever has it sees the saved draft as a pricing page, until ${moment(expiresAt)}. Nobody can buy there.`,
      ),
      h(
        "div",
        { class: "secret" },
        h("code", {}, url),
        button("Copy", () => copy(url, "Preview link"), { kind: "tiny", label: "Copy the preview link" }),
      ),
    ],
    [
      button(
        "Revoke all links",
        async () => {
          const now = await acted(view, () => bridge("POST", "/tiers/preview/revoke", { body: {} }));
          if (!now) return;
          shown.close();
          done("Every preview link so far is revoked.");
        },
        { kind: "danger" },
      ),
      button("Close", () => shown.close()),
      h("a", { class: "button main", href: url, target: "_blank", rel: "noopener" }, "Open preview"),
    ],
  );
  say("The preview link is ready.");
}
