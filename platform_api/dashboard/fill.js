// Filling a place with what a service answers: bones while it is awaited, the content, or the problem with a way back.

import { NoKey } from "./api.js";
import { bones, empty, link } from "./dom.js";
import { failed, problem } from "./notices.js";
import { SignedOut } from "./session.js";

/** Load, then draw into the place; `view` is what the frame handed to the view. */
export async function fill(place, view, load, draw, { waiting = ["block"] } = {}) {
  place.setAttribute("aria-busy", "true");
  place.replaceChildren(...bones(...waiting));
  try {
    const found = await load();
    if (view.signal.aborted) return;
    place.replaceChildren(...[draw(found)].flat(Infinity).filter(Boolean));
  } catch (error) {
    if (view.signal.aborted) return;
    if (error instanceof SignedOut) view.ended();
    else if (error instanceof NoKey) place.replaceChildren(keyless(error));
    else place.replaceChildren(problem(error, () => fill(place, view, load, draw, { waiting })));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

function keyless(error) {
  const title = error.code === "revoked" ? "Your key is revoked" : "No API key yet";
  return empty(title, error.message, link("Go to credentials", "#credentials", "main"));
}

/** Run an action of a view; answers undefined after a failure, which is said, or after the session has ended. */
export async function acted(view, act) {
  try {
    return await act();
  } catch (error) {
    if (error instanceof SignedOut) view.ended();
    else if (!view.signal.aborted) failed(error);
    return undefined;
  }
}

/** One request for several places: it is made once, and again after a failure. */
export function shared(load) {
  let pending = null;
  return () => {
    pending ??= load().catch((error) => {
      pending = null;
      throw error;
    });
    return pending;
  };
}
