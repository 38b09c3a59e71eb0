// What happened, said once: short messages at the edge of the screen, questions before something is done, and problems.

import { button, h, sign, uniqueId } from "./dom.js";

const GOOD_SECONDS = 6;

/** Say that something was done. Read out by screen readers, gone after a few seconds. */
export function done(text) {
  const toast = shown(text, null);
  setTimeout(() => gone(toast), GOOD_SECONDS * 1000);
}

/** Say that something failed. Stays until it is closed; the request id is what support needs. */
export function failed(error) {
  if (error.name !== "AbortError") shown(sentence(error), error.requestId ?? null, "bad");
}

function shown(text, requestId, kind = "") {
  const close = button(sign("cross"), () => gone(toast), { kind: "quiet icon", label: "Close this message" });
  const toast = h(
    "div",
    { class: `toast ${kind}` },
    h("div", {}, h("p", {}, text), requestId && h("p", { class: "fine wrap" }, `Request ${requestId}`)),
    close,
  );
  const toasts = document.getElementById("toasts");
  for (const older of toasts.querySelectorAll(kind ? `.toast.${kind}` : ".toast:not(.bad)")) older.remove();
  toasts.append(toast);
  toasts.hidePopover();
  toasts.showPopover(); // again, so that it is above a dialog that was opened meanwhile
  say(text);
  return toast;
}

function gone(toast) {
  toast.remove();
  const toasts = document.getElementById("toasts");
  if (!toasts.children.length) toasts.hidePopover();
}

/** Read a text out without showing it. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = "";
  requestAnimationFrame(() => {
    said.textContent = text;
  });
}

export function sentence(error) {
  return error.message || "Something failed here. Load the page again.";
}

/** A problem in the place of what could not be shown, with a way to try again. */
export function problem(error, again) {
  return h(
    "div",
    { class: "problem", role: "alert" },
    h("p", {}, sentence(error)),
    error.requestId && h("p", { class: "fine" }, `Request ${error.requestId}`),
    again && button("Try again", again, { kind: "tiny" }),
  );
}

/** A dialog with a body and a footer of its own; `close` ends it. Focus goes back to where it was. */
export function dialog(title, body, footer, { large = false } = {}) {
  const id = uniqueId("dialog");
  const made = h(
    "dialog",
    { class: large ? "large" : null, "aria-labelledby": id },
    h("h2", { id }, title),
    h("div", { class: "body" }, body),
    h("footer", {}, footer),
  );
  made.addEventListener("close", () => made.remove());
  document.body.append(made);
  made.showModal();
  return made;
}

/** Ask before doing; answers whether it was confirmed and done. A failure is shown inside and can be tried
 * again; `wayOut` may answer [text, address] of where it can be helped. */
export function confirmed({ title, body, action, danger = false, large = false, act, wayOut = () => null }) {
  return new Promise((resolve) => {
    let outcome = false;
    const wrong = h("div");
    const go = button(
      action,
      async () => {
        wrong.replaceChildren();
        try {
          await act();
          outcome = true;
          asked.close();
        } catch (error) {
          wrong.replaceChildren(problem(error, null));
          const way = wayOut(error);
          if (way) wrong.firstChild.append(h("a", { href: way[1], onclick: () => asked.close() }, way[0]));
        }
      },
      { kind: danger ? "main danger" : "main" },
    );
    const cancel = button("Cancel", () => asked.close(), { autofocus: danger });
    const asked = dialog(title, [body, wrong], [cancel, go], { large });
    asked.addEventListener("close", () => resolve(outcome));
  });
}

/** Put a text on the clipboard and say so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    done(`${what} copied.`);
  } catch {
    failed(new Error("The browser did not allow copying. Select the text and copy it by hand."));
  }
}
