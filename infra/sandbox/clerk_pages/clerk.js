// In place of clerk-js: a double of the parts of `window.Clerk` that pages use, on the stand-in's own small API.
(() => {
  const api = new URL(document.currentScript.src).origin;
  const kept = "__clerk_sandbox_session";
  const listeners = new Set();
  const tokens = new Map();

  async function ask(path, options = {}) {
    const answer = await fetch(api + path, {
      ...options,
      headers: options.body ? { "Content-Type": "application/json" } : {},
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.errors ? body.errors[0].message : "The stand-in refused.");
    return body;
  }

  function session(id) {
    return {
      id,
      status: "active",
      async getToken({ template = null, skipCache = false } = {}) {
        const known = tokens.get(template);
        if (known && !skipCache && known.until > Date.now()) return known.jwt;
        const { jwt } = await ask(`/_sandbox/sessions/${id}/token`, {
          method: "POST",
          body: JSON.stringify({ template }),
        });
        tokens.set(template, { jwt, until: Date.now() + 45_000 });
        return jwt;
      },
      clearCache: () => tokens.clear(),
    };
  }

  const Clerk = {
    loaded: false,
    user: null,
    session: null,
    get isSignedIn() {
      return Clerk.session !== null;
    },
    async load() {
      const here = new URL(location.href);
      const given = here.searchParams.get(kept);
      if (given) {
        localStorage.setItem(kept, given);
        here.searchParams.delete(kept);
        history.replaceState(null, "", here);
      }
      const id = localStorage.getItem(kept);
      if (id) {
        try {
          enter(await ask(`/_sandbox/sessions/${id}`));
        } catch {
          localStorage.removeItem(kept);
        }
      }
      Clerk.loaded = true;
      tell();
    },
    addListener(listener) {
      listeners.add(listener);
      if (Clerk.loaded) listener({ user: Clerk.user, session: Clerk.session });
      return () => listeners.delete(listener);
    },
    async signOut(options = {}) {
      if (Clerk.session) await ask(`/_sandbox/sessions/${Clerk.session.id}`, { method: "DELETE" }).catch(() => {});
      localStorage.removeItem(kept);
      tokens.clear();
      Clerk.user = Clerk.session = null;
      tell();
      if (options.redirectUrl) location.assign(options.redirectUrl);
    },
    mountSignIn: (element, options) => mountForm(element, "Sign in", options),
    mountSignUp: (element, options) => mountForm(element, "Sign up", options),
    unmountSignIn: (element) => element.replaceChildren(),
    unmountSignUp: (element) => element.replaceChildren(),
    openSignIn: () => Clerk.redirectToSignIn(),
    openSignUp: () => Clerk.redirectToSignUp(),
    redirectToSignIn: (options = {}) => away("/sign-in", options),
    redirectToSignUp: (options = {}) => away("/sign-up", options),
    mountUserButton(element) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `Sign out ${Clerk.user ? Clerk.user.primaryEmailAddress.emailAddress : ""}`;
      button.addEventListener("click", () => Clerk.signOut());
      element.replaceChildren(button);
    },
    unmountUserButton: (element) => element.replaceChildren(),
  };

  function away(path, options) {
    const given = ["redirectUrl", "signInForceRedirectUrl", "signUpForceRedirectUrl"].concat(
      ["signInFallbackRedirectUrl", "signUpFallbackRedirectUrl"],
    );
    const back = given.map((name) => options[name]).find(Boolean) || location.href;
    location.assign(`${api}${path}?redirect_url=${encodeURIComponent(new URL(back, location.href))}`);
  }

  function enter({ sessionId, user }) {
    localStorage.setItem(kept, sessionId);
    Clerk.session = session(sessionId);
    Clerk.user = {
      ...user,
      async reload() {
        enter(await ask(`/_sandbox/sessions/${sessionId}`));
        tokens.clear();
        tell();
        return Clerk.user;
      },
    };
  }

  function tell() {
    for (const listener of listeners) listener({ user: Clerk.user, session: Clerk.session });
  }

  // As Clerk's components do: a card of its own look, and afterwards the address that the page has asked for.
  function mountForm(element, title, options = {}) {
    const form = document.createElement("form");
    form.innerHTML =
      '<label for="clerk-email">E-mail address</label>' +
      '<input id="clerk-email" type="email" name="email" required autocomplete="email" placeholder="you@example.com">' +
      '<button type="submit">Continue</button><p role="alert"></p>';
    form.setAttribute("aria-label", title);
    const [label, input, button, alert] = form.children;
    Object.assign(label.style, { display: "block", fontWeight: "600", fontSize: ".875rem" });
    const box = { display: "block", width: "100%", boxSizing: "border-box", font: "inherit", borderRadius: ".5rem" };
    Object.assign(input.style, box, { margin: ".375rem 0 1rem", padding: ".625rem .75rem", color: "inherit" });
    Object.assign(input.style, { background: "transparent", border: "1px solid #71717a" });
    Object.assign(button.style, box, { padding: ".625rem", border: "0", fontWeight: "600", cursor: "pointer" });
    Object.assign(button.style, { color: "#fff", background: "#4338ca" });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        enter(
          await ask("/_sandbox/sessions", { method: "POST", body: JSON.stringify({ email: form.email.value.trim() }) }),
        );
      } catch (error) {
        alert.textContent = error.message;
        return;
      }
      tell();
      const { forceRedirectUrl, fallbackRedirectUrl, afterSignInUrl, afterSignUpUrl } = options;
      const next = forceRedirectUrl || fallbackRedirectUrl || afterSignInUrl || afterSignUpUrl;
      if (next) location.assign(new URL(next, location.href));
    });
    element.replaceChildren(form);
  }

  window.Clerk = Clerk;
})();
