// Bytes and fields mark one another: what is pointed at or focused, and every other part of the same span.
let marked = "";

// The dump scrolls by itself; the page must not move under the pointer.
function reveal(byte) {
  const box = byte.closest(".hex-scroll");
  const row = byte.closest(".hex-row");
  const top = row.offsetTop - box.offsetTop;
  if (top < box.scrollTop || top + row.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = top - box.clientHeight / 3;
  }
}

function mark(scope, span) {
  if (span === marked) return;
  for (const part of scope.querySelectorAll(".is-marked")) part.classList.remove("is-marked");
  marked = span;
  if (!span) return;
  for (const part of scope.querySelectorAll(`[data-span="${CSS.escape(span)}"]`)) part.classList.add("is-marked");
}

function follow(event) {
  const scope = event.target.closest?.("[data-hexlink]");
  if (!scope) return;
  const part = event.target.closest("[data-span]");
  mark(scope, part?.dataset.span ?? "");
  const byte = part?.matches(".hex-field") && scope.querySelector(".hex-byte.is-marked");
  if (byte) reveal(byte);
}

document.addEventListener("pointerover", follow);
document.addEventListener("focusin", follow);
