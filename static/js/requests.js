// What every htmx request of the portal shares: the CSRF token, and a sentence when one fails.
const SAFE = new Set(["get", "head", "options"]);

function say(sentence) {
  const message = document.createElement("div");
  const text = document.createElement("p");
  const close = document.createElement("button");
  message.className = "message tone-bad";
  text.textContent = sentence;
  close.type = "button";
  close.className = "link-button";
  close.textContent = "Dismiss";
  close.addEventListener("click", () => message.remove());
  message.append(text, close);
  document.getElementById("messages")?.replaceChildren(message);
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]");
  if (token && !SAFE.has(detail.verb)) detail.headers["X-CSRFToken"] = token.value;
});

document.addEventListener("htmx:responseError", ({ detail }) => {
  const id = detail.xhr.getResponseHeader("X-Request-ID");
  say(`The portal answered with an error (${detail.xhr.status}). Reload the page.${id ? ` Request ${id}.` : ""}`);
});

document.addEventListener("htmx:sendError", () => {
  say("The portal could not be reached. Check your connection; the page goes on when it is back.");
});

document.addEventListener("click", ({ target }) => {
  target.closest?.("[data-dismiss]")?.closest(".message").remove();
});

// A button whose form is on its way says so, and a second press sends nothing.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || event.target.method === "dialog" || !button?.matches(".button")) return;
  if (button.ariaBusy === "true") event.preventDefault();
  button.ariaBusy = "true";
  setTimeout(() => button.removeAttribute("aria-busy"), 8000);
});

addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});
