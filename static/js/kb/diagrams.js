// Diagrams are drawn in a frame without rights: no origin, no network. It is handed the source and tells its height.
const PAGE = document.querySelector("script[data-diagram-page]").dataset.diagramPage;
const frames = new Map();
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => document.documentElement.dataset.theme ?? (prefersDark.matches ? "dark" : "light");

function draw(frame, source) {
  // The frame has an origin of its own kind, which cannot be named.
  frame.contentWindow.postMessage({ source, theme: theme() }, "*");
}

for (const block of document.querySelectorAll(".code.diagram")) {
  const source = block.querySelector("code").textContent;
  const title = block.querySelector(".code-head > span")?.textContent || "";
  const frame = document.createElement("iframe");
  const fold = document.createElement("details");
  const summary = document.createElement("summary");
  frame.className = "diagram-frame";
  frame.setAttribute("sandbox", "allow-scripts");
  frame.title = title ? `Diagram: ${title}` : "Diagram";
  frame.height = "160";
  frame.src = PAGE;
  summary.textContent = "Source of the diagram";
  fold.className = "fold";
  block.before(frame);
  block.replaceWith(fold);
  fold.append(summary, block);
  frames.set(frame, { source, fold });
}

addEventListener("message", ({ source: from, data }) => {
  const [frame, drawn] = [...frames].find(([one]) => one.contentWindow === from) ?? [];
  if (!frame) return;
  if (data?.ready === true) draw(frame, drawn.source);
  else if (data?.failed === true) {
    drawn.fold.open = true;
    frame.hidden = true;
  } else if (Number.isFinite(data?.height)) frame.height = String(Math.min(Math.max(Math.ceil(data.height), 40), 1600));
});

function drawAgain() {
  for (const [frame, { source }] of frames) draw(frame, source);
}

prefersDark.addEventListener("change", drawAgain);
new MutationObserver(drawAgain).observe(document.documentElement, { attributeFilter: ["data-theme"] });
