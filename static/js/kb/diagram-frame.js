// In the frame of a diagram: draw what the page around it hands over, and tell it how tall that became.
// A classic script, for modules need an origin. What is drawn is whatever Mermaid makes of an author's text; the
// frame's policy (kb/views/diagrams.py) is what keeps that from everything else.
let turn = 0;
const tell = (what) => parent.postMessage(what, "*");
const box = document.getElementById("diagram");
const tellHeight = () => box.firstChild && tell({ height: box.getBoundingClientRect().height });

async function draw({ source, theme }) {
  const mine = ++turn;
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    suppressErrorRendering: true,
    theme: theme === "dark" ? "dark" : "neutral",
    fontFamily: "system-ui, sans-serif",
  });
  document.documentElement.style.colorScheme = theme === "dark" ? "dark" : "light";
  try {
    const { svg } = await mermaid.render(`drawn-${mine}`, source);
    if (mine !== turn) return;
    box.innerHTML = svg;
    tellHeight(); // frames out of sight hear of no change of size
  } catch {
    if (mine === turn) tell({ failed: true });
  }
}

addEventListener("message", ({ source, data }) => {
  if (source === parent && typeof data?.source === "string") draw(data);
});
new ResizeObserver(tellHeight).observe(box);
tell({ ready: true });
