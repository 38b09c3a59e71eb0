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
    mountSignIn: (element) => mountForm(element, "Sign in"),
    mountSignUp: (element) => mountForm(element, "Sign up"),
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

  function away(path, { redirectUrl, signInFallbackRedirectUrl, signUpFallbackRedirectUrl }) {
    const back = redirectUrl || signInFallbackRedirectUrl || signUpFallbackRedirectUrl || location.href;
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

  function mountForm(element, title) {
    const form = document.createElement("form");
    form.innerHTML =
      '<label>E-mail address <input type="email" name="email" required autocomplete="email"></label>' +
      '<button type="submit"></button><p role="alert"></p>';
    form.querySelector("button").textContent = title;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        enter(
          await ask("/_sandbox/sessions", { method: "POST", body: JSON.stringify({ email: form.email.value.trim() }) }),
        );
        tell();
      } catch (error) {
        form.querySelector("p").textContent = error.message;
      }
    });
    element.replaceChildren(form);
  }

  window.Clerk = Clerk;
})();
