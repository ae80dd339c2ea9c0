// The pane beside the editor: the server renders what is typed, a moment after one stops.
const form = document.querySelector("form[data-editor]");
const area = form.elements.content;
const panes = form.querySelector("[data-panes]");
const pane = form.querySelector("[data-preview]");
const toggle = form.querySelector("[data-show-preview]");
const wide = matchMedia("(width >= 58rem)");
const WAIT = 700;
let timer = 0;
let asked = null;
let shown = null;

const isOpen = () => toggle.getAttribute("aria-pressed") === "true";

function say(sentence) {
  const note = pane.querySelector("[data-note]") ?? pane.insertBefore(document.createElement("p"), pane.firstChild);
  note.dataset.note = "";
  note.className = "note tone-warn";
  note.textContent = sentence;
}

// "Line 12" becomes a way to line 12 of the text.
function linkLines(root) {
  for (const place of root.querySelectorAll("[data-line]:not(:has(button))")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "link-button";
    button.textContent = place.textContent;
    button.addEventListener("click", () => {
      if (!wide.matches) open(false);
      area.dispatchEvent(new CustomEvent("kb:line", { detail: Number(place.dataset.line) }));
    });
    place.replaceChildren(button);
  }
}

// The portal's own renderer made this, sanitised: it is what a reader's page shows.
function show(html) {
  const top = pane.scrollTop;
  pane.innerHTML = html;
  pane.scrollTop = top;
  linkLines(pane);
  pane.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true }));
}

async function draw() {
  const content = area.value;
  if (!isOpen() || content === shown) return;
  asked?.abort();
  asked = new AbortController();
  const body = new FormData();
  body.set("content", content);
  body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  try {
    const answer = await fetch(pane.dataset.preview, { method: "POST", body, signal: asked.signal });
    if (answer.ok) {
      show(await answer.text());
      shown = content;
    } else if (answer.status === 422) say(await answer.text());
    else if (answer.status === 429) {
      say("The preview waits a moment: it was asked for very often.");
      later(15000);
    } else say("The preview could not be drawn. It is tried again when you type.");
  } catch (error) {
    if (error.name !== "AbortError") say("No network: the preview is of an earlier text.");
  }
}

function later(wait = WAIT) {
  clearTimeout(timer);
  timer = setTimeout(draw, wait);
}

function open(wanted) {
  toggle.setAttribute("aria-pressed", String(wanted));
  panes.dataset.shown = wanted ? "preview" : "write";
  pane.hidden = !wanted;
  if (wanted) draw();
}

toggle.addEventListener("click", () => open(!isOpen()));
area.addEventListener("input", () => later());
// Scrolling the text takes the preview along, about as far.
form.addEventListener(
  "scroll",
  (event) => {
    const box = event.target;
    if (!isOpen() || pane.contains(box) || !(box instanceof Element)) return;
    const room = box.scrollHeight - box.clientHeight;
    if (room > 0) pane.scrollTop = (box.scrollTop / room) * (pane.scrollHeight - pane.clientHeight);
  },
  true,
);
open(wide.matches);
linkLines(document);
