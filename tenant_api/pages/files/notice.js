// Says something to the person without moving the page: text only, at the bottom of the screen.

export function tell(sentence, requestId = null) {
  const notice = document.getElementById("notice");
  notice.textContent = requestId ? `${sentence} (Request ${requestId})` : sentence;
}

export function quiet() {
  document.getElementById("notice").textContent = "";
}

// Runs what a button stands for, once at a time; what goes wrong is told.
export async function pressed(button, work) {
  if (button.getAttribute("aria-busy") === "true") return;
  quiet();
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    tell(error.message, error.requestId);
    button.removeAttribute("aria-busy");
  }
}

export function element(name, text, properties = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  return Object.assign(made, properties);
}
