// A copy button for each <div class="code" data-copy>: it copies what one types, without prompts and answers.
function typedText(pre) {
  const clone = pre.cloneNode(true);
  for (const part of clone.querySelectorAll(".prompt, .output")) part.remove();
  return clone.textContent.trim();
}

async function copy(button, pre, status) {
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(typedText(pre));
  } catch {
    getSelection().selectAllChildren(pre);
    said = "Selected: press Ctrl+C";
  }
  button.textContent = said;
  status.textContent = said;
  setTimeout(() => {
    button.textContent = "Copy";
    status.textContent = "";
  }, 2500);
}

function addCopyButtons(root = document) {
  for (const block of root.querySelectorAll(".code[data-copy]:not([data-copy='ready'])")) {
    const head =
      block.querySelector(".code-head") ?? block.insertBefore(document.createElement("div"), block.firstChild);
    head.className = "code-head";
    const button = document.createElement("button");
    const status = document.createElement("span");
    button.type = "button";
    button.className = "link-button copy";
    button.textContent = "Copy";
    status.className = "unseen";
    status.setAttribute("role", "status");
    button.addEventListener("click", () => copy(button, block.querySelector("pre"), status));
    head.append(button, status);
    block.dataset.copy = "ready";
  }
}

addCopyButtons();
document.addEventListener("htmx:load", (event) => addCopyButtons(event.target));
