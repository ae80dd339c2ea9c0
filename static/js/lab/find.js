// The keys of a search form: "/" goes to its field, the arrows walk through what it found. Links stay links.
const form = document.querySelector("[data-find]");
const field = form?.querySelector("input[type=search]");
const links = () =>
  [...document.querySelectorAll("[data-found] a:not([href^='#'])")].filter((a) => a.checkVisibility());

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

function walk(event, step) {
  const all = links();
  const place = all.indexOf(document.activeElement);
  if (place < 0 && document.activeElement !== field) return;
  event.preventDefault();
  const next = place + step;
  if (next < 0) field.focus();
  else all[Math.min(next, all.length - 1)]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (!field || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !isTyping(event.target)) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "ArrowDown") walk(event, 1);
  else if (event.key === "ArrowUp") walk(event, -1);
});
