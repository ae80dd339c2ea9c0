// CodeMirror over the plain text area of the editor of articles, a small toolbar and shortcuts.
// The text area stays what is sent; the other modules of the page listen to its "input" and tell it by
// "kb:insert" and "kb:line", so that everything works with the plain box, too.
const form = document.querySelector("form[data-editor]");
const area = form.elements.content;
const label = form.querySelector(`label[for="${area.id}"]`);
const help = document.getElementById("editor-help");
let view = null;

// ------------------------------------------------------------------ one way to the text, whichever box holds it

const text = () => (view ? view.state.doc.toString() : area.value);

function selection() {
  if (!view) return [area.selectionStart, area.selectionEnd];
  const { from, to } = view.state.selection.main;
  return [from, to];
}

function replace(from, to, insert, anchor = from + insert.length, head = anchor) {
  if (view) {
    view.dispatch({ changes: { from, to, insert }, selection: { anchor, head }, scrollIntoView: true });
    view.focus();
    return;
  }
  area.setRangeText(insert, from, to);
  area.setSelectionRange(Math.min(anchor, head), Math.max(anchor, head));
  area.focus();
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function wrap(before, after, stand) {
  const [from, to] = selection();
  const inner = text().slice(from, to) || stand;
  replace(from, to, before + inner + after, from + before.length, from + before.length + inner.length);
}

// A block stands between blank lines; `stand` is what one types over.
function block(lines, stand) {
  const [from, to] = selection();
  const all = text();
  const chosen = all.slice(from, to);
  const lead = from === 0 || all.slice(0, from).endsWith("\n\n") ? "" : all[from - 1] === "\n" ? "\n" : "\n\n";
  const rest = all.slice(to);
  const tail = rest === "" || rest.startsWith("\n\n") ? "\n" : rest.startsWith("\n") ? "\n" : "\n\n";
  const body = lines(chosen || stand);
  const at = from + lead.length + body.indexOf(chosen || stand);
  replace(from, to, lead + body + tail, at, at + (chosen || stand).length);
}

function list() {
  const [from, to] = selection();
  const start = text().lastIndexOf("\n", from - 1) + 1;
  const chosen = text().slice(start, to) || "";
  const lines = chosen.split("\n").map((line) => (line.startsWith("- ") ? line.slice(2) : `- ${line}`));
  replace(start, to, lines.join("\n"));
}

const indent = (words) => words.replaceAll("\n", "\n    ");
const acts = {
  bold: () => wrap("**", "**", "bold"),
  code: () => wrap("`", "`", "virsh"),
  link: () => wrap("[", "](/kb/)", "words"),
  list,
  note: () => block((words) => `!!! note "Note"\n    ${indent(words)}`, "What to know."),
  console: () => block((words) => `\`\`\`console\n$ ${words}\n\`\`\``, "virsh list --all"),
  save: () => form.dispatchEvent(new CustomEvent("kb:save")),
  help: () => help.showModal(),
};
const keys = { "Mod-b": "bold", "Mod-e": "code", "Mod-k": "link", "Mod-Shift-l": "list", "Mod-s": "save" };

for (const button of form.querySelectorAll("[data-act]")) {
  button.addEventListener("click", () => acts[button.dataset.act]?.());
}
form.querySelector("[data-toolbar]").hidden = false;
help.querySelector("[data-close]").addEventListener("click", () => help.close());

// Suggestions come for the last tag that is being typed: a list of values knows nothing of commas.
const tags = form.elements.tags;
const known = [...document.getElementById("known-tags").options].map((option) => option.value);
tags.addEventListener("input", () => {
  const before = tags.value.slice(0, tags.value.lastIndexOf(",") + 1);
  const options = known.map((tag) => new Option("", before ? `${before} ${tag}` : tag));
  document.getElementById("known-tags").replaceChildren(...options);
});

// The plain box knows the same shortcuts.
form.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented) return;
  const act = keys[`Mod-${event.shiftKey ? "Shift-" : ""}${event.key.toLowerCase()}`];
  if (act && (act === "save" || event.target === area)) {
    event.preventDefault();
    acts[act]();
  }
});

area.addEventListener("kb:insert", (event) => {
  block(() => event.detail, event.detail);
});
area.addEventListener("kb:fill", (event) => {
  if (view) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: event.detail } });
  else area.value = event.detail;
});
area.addEventListener("kb:line", (event) => {
  const lines = text().split("\n").slice(0, event.detail);
  const at = lines.slice(0, -1).reduce((sum, line) => sum + line.length + 1, 0);
  replace(at, at, "", at, at + (lines.at(-1) ?? "").length);
});

// ------------------------------------------------------------------------------------------------ CodeMirror

const theme = {
  "&": {
    backgroundColor: "var(--sheet)",
    color: "var(--ink)",
    border: "1px solid var(--edge)",
    borderRadius: "var(--radius)",
  },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "0" },
  ".cm-scroller": {
    fontFamily: "var(--mono)",
    fontVariantLigatures: "none",
    fontSize: "0.9375rem",
    lineHeight: "1.6",
    minBlockSize: "24rem",
    maxBlockSize: "max(24rem, calc(100vh - 12rem))",
    overflow: "auto",
  },
  ".cm-content": { padding: "0.75rem 0", caretColor: "var(--ink)" },
  ".cm-line": { padding: "0 0.8rem" },
};

function build(cm, root) {
  const run = (name) => () => {
    acts[name]();
    return true;
  };
  const own = Object.entries(keys).map(([key, name]) => ({ key, run: run(name), preventDefault: true }));
  return new cm.EditorView({
    doc: area.value,
    parent: root,
    extensions: [
      cm.EditorView.cspNonce.of(root.dataset.nonce),
      cm.history(),
      cm.markdownLanguage.extension,
      cm.syntaxHighlighting(cm.classHighlighter),
      cm.EditorView.lineWrapping,
      // Tab is left alone: it leads to the next control, as everywhere else in the page.
      cm.keymap.of([
        ...own,
        { key: "Enter", run: cm.insertNewlineContinueMarkupCommand({ nonTightLists: false }) },
        { key: "Backspace", run: cm.deleteMarkupBackward },
        ...cm.defaultKeymap,
        ...cm.historyKeymap,
      ]),
      cm.EditorView.theme(theme),
      // A browser that types over a selection keeps its look by a style attribute, which this portal's policy refuses.
      cm.EditorView.domEventHandlers({
        beforeinput(event, editor) {
          const typed = event.inputType === "insertText" && event.data !== null && !event.isComposing;
          if (!typed || editor.state.selection.main.empty) return false;
          editor.dispatch(editor.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
          event.preventDefault();
          return true;
        },
      }),
      cm.EditorView.contentAttributes.of({
        spellcheck: "true",
        autocapitalize: "sentences",
        autocorrect: "on",
        "aria-label": "Text, in Markdown",
        "aria-describedby": area.getAttribute("aria-describedby") ?? "",
      }),
      cm.EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        area.value = update.state.doc.toString();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
}

let loaded = null;
const root = form.querySelector("[data-codemirror]");
const plain = form.querySelector("[data-plain]");

async function dress() {
  loaded ??= await import(root.dataset.codemirror);
  view = build(loaded, root);
  area.hidden = true;
  root.hidden = false;
}

function undress() {
  view?.destroy();
  view = null;
  area.hidden = false;
  root.hidden = true;
}

function remembered(value) {
  try {
    if (value !== undefined) localStorage.setItem("kb-plain-box", value);
    return localStorage.getItem("kb-plain-box") === "yes";
  } catch {
    return false;
  }
}

plain.addEventListener("click", async () => {
  const wanted = plain.getAttribute("aria-pressed") !== "true";
  plain.setAttribute("aria-pressed", String(wanted));
  remembered(wanted ? "yes" : "no");
  if (wanted) undress();
  else await dress();
});
label.addEventListener("click", () => view?.focus());
plain.setAttribute("aria-pressed", String(remembered()));
if (!remembered()) await dress();
form.dataset.ready = "yes";
