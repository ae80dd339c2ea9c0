// Names of the lab in an article: on hover, focus and tap a card tells what the name is. Without this program, and with
// a second tap, the name is a link to its page. Escape dismisses the card; the pointer may move onto it (WCAG 1.4.13).
const WAIT = 250;
const card = document.createElement("div");
card.className = "lab-card sheet stack stack-xs";
card.id = "lab-card";
card.popover = "manual";
card.role = "group";
const texts = new Map();
let owner = null;
let timer = 0;
let byTouch = false;

async function text(link) {
  const address = link.dataset.card;
  if (!texts.has(address)) {
    const answer = fetch(address, { headers: { Accept: "text/html" } }).then((one) => (one.ok ? one.text() : ""));
    texts.set(address, answer);
    answer.catch(() => texts.delete(address));
  }
  return texts.get(address);
}

function place(link) {
  const at = link.getClientRects()[0];
  const size = card.getBoundingClientRect();
  const below = at.bottom + size.height + 8 < innerHeight || at.top < size.height + 8;
  card.style.left = `${Math.max(8, Math.min(at.left, document.documentElement.clientWidth - size.width - 8))}px`;
  card.style.top = `${below ? at.bottom + 4 : at.top - size.height - 4}px`;
}

async function show(link) {
  clearTimeout(timer);
  if (owner === link) return;
  hide();
  owner = link;
  // Without an answer the link is what it is without a card.
  const html = await text(link).catch(() => "");
  if (owner !== link || !html) {
    if (owner === link) owner = null;
    return;
  }
  card.innerHTML = html;
  card.ariaLabel = `About ${link.textContent}`;
  link.after(card);
  link.setAttribute("aria-describedby", card.id);
  card.showPopover();
  place(link);
}

function hide() {
  clearTimeout(timer);
  owner?.removeAttribute("aria-describedby");
  owner = null;
  card.remove();
}

const later = (act) => {
  clearTimeout(timer);
  timer = setTimeout(act, WAIT);
};
const linkOf = (event) => event.target.closest?.("a.lab-name[data-card]");
const isOurs = (element) => element && (card.contains(element) || element.closest?.("a.lab-name") === owner);

addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const link = linkOf(event);
  if (link) later(() => show(link));
  else if (owner && !isOurs(event.target)) later(hide);
  else if (card.contains(event.target)) clearTimeout(timer);
});
addEventListener("focusin", (event) => {
  const link = linkOf(event);
  if (link && !byTouch) show(link);
  else if (owner && !isOurs(event.target)) hide();
});
addEventListener("pointerdown", (event) => {
  byTouch = event.pointerType === "touch";
  if (owner && !isOurs(event.target)) hide();
});
addEventListener("click", (event) => {
  const link = linkOf(event);
  if (link && byTouch && owner !== link) {
    event.preventDefault();
    show(link);
  }
});
addEventListener("keydown", (event) => {
  byTouch = false;
  if (event.key === "Escape" && owner) {
    // Focus that was on the card goes back to the name, which keeps it without the card.
    const back = card.contains(document.activeElement) ? owner : null;
    hide();
    if (back) {
      back.focus();
      hide();
    }
  }
});
addEventListener("scroll", () => owner && card.isConnected && place(owner), { passive: true });
