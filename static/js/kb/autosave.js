// Saves while one types, says in words how it stands, and keeps in this browser what could not be sent.
const form = document.querySelector("form[data-editor]");
const state = form.querySelector("[data-saved]");
const compare = form.querySelector("[data-compare]");
const panel = form.querySelector("[data-kept]");
const KEY = `kb-draft-${form.dataset.editor}`;
const DAYS = 14;
const PAUSE = 3000;
const AGAIN = 15000;
const SKIPPED = new Set(["csrfmiddlewaretoken", "then", "picture", "picture_alt"]);

let saved = fields();
let timer = 0;
let running = null;
let stopped = false;

function fields() {
  const found = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && !SKIPPED.has(name) && name !== "version") found[name] = value;
  }
  return found;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const isDirty = () => !same(fields(), saved);
const clock = (date) => date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

function say(sentence, tone = "") {
  state.textContent = sentence;
  state.className = tone || "quiet small";
}

// --------------------------------------------------------------------------------------- kept in this browser

function keep() {
  try {
    const entry = { at: Date.now(), version: form.elements.version.value, fields: fields() };
    localStorage.setItem(KEY, JSON.stringify(entry));
    return true;
  } catch {
    return false; // a private window, or no room
  }
}

function forget() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // nothing was kept either
  }
}

function kept() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith("kb-draft-")) continue;
      const entry = JSON.parse(localStorage.getItem(key));
      if (!(Date.now() - entry.at < DAYS * 86400000)) localStorage.removeItem(key);
    }
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function fill(entry) {
  for (const [name, value] of Object.entries(entry.fields)) {
    const field = form.elements[name];
    if (!field || field.type === "file") continue;
    if (name === "content") field.dispatchEvent(new CustomEvent("kb:fill", { detail: value }));
    if (field.value !== value) field.value = value;
  }
  // What was saved elsewhere since is not overwritten: the server answers with both.
  form.elements.version.value = entry.version;
  changed();
}

function offer() {
  const entry = kept();
  if (!entry) return;
  if (same(entry.fields, saved)) {
    forget();
    return;
  }
  panel.querySelector("[data-when]").textContent = new Date(entry.at).toLocaleString("en-GB", {
    dateStyle: "long",
    timeStyle: "short",
  });
  panel.querySelector("[data-text]").textContent = entry.fields.content;
  panel.hidden = false;
  stopped = true; // until one has chosen, nothing is saved over either
  const chosen = (use) => {
    panel.hidden = true;
    stopped = false;
    if (use) fill(entry);
    else forget();
  };
  panel.querySelector("[data-use]").addEventListener("click", () => chosen(true));
  panel.querySelector("[data-drop]").addEventListener("click", () => chosen(false));
}

// ------------------------------------------------------------------------------------------------------ sending

function body() {
  const data = new FormData(form);
  data.delete("picture");
  return data;
}

function post(data, keepalive) {
  return fetch(form.action, {
    method: "POST",
    body: data,
    headers: { Accept: "application/json" },
    redirect: "error",
    keepalive,
    signal: keepalive ? undefined : AbortSignal.timeout(30000),
  });
}

// The token of this moment: another tab may have signed in anew.
async function freshToken() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("form[data-editor] [name=csrfmiddlewaretoken]")?.value;
  if (token) form.elements.csrfmiddlewaretoken.value = token;
  return token;
}

function trouble(why, again = AGAIN) {
  const where = keep() ? " Your text is kept in this browser." : "";
  say(`Not saved: ${why}.${where}`, "text-bad");
  if (again) schedule(again);
}

async function judge(answer, sent) {
  if (answer.ok) {
    const said = await answer.json();
    form.elements.version.value = said.version;
    saved = sent;
    if (isDirty()) changed();
    else {
      forget();
      say(`Saved ${said.saved}`);
    }
  } else if (answer.status === 409) {
    stopped = true;
    compare.hidden = false;
    trouble("this draft was changed in another tab or on another device", 0);
  } else if (answer.status === 422) {
    const { problems } = await answer.json();
    trouble(Object.values(problems).flat()[0].replace(/\.$/, ""), 0);
  } else if (answer.status === 429) trouble("saved very often; tried again in a minute", 60000);
  else if (answer.status === 404 || answer.status === 403) trouble("you are signed out, or the draft is gone", 60000);
  else trouble("the portal did not answer as it should");
}

async function save({ leaving = false } = {}) {
  if (stopped || !isDirty()) return;
  if (running) {
    schedule();
    return;
  }
  clearTimeout(timer);
  const sent = fields();
  if (!leaving) say("Saving");
  const go = async () => {
    try {
      let answer = await post(body(), leaving);
      if (answer.status === 403 && !leaving && (await freshToken())) answer = await post(body(), false);
      await judge(answer, sent);
    } catch (error) {
      trouble(error.name === "TimeoutError" ? "the network is too slow" : "no network");
    }
  };
  running = go();
  await running;
  running = null;
}

function schedule(wait = PAUSE) {
  clearTimeout(timer);
  timer = setTimeout(save, wait);
}

function changed() {
  if (!isDirty()) return;
  if (stopped) {
    keep();
    return;
  }
  const where = keep() ? "" : " This browser keeps no copy.";
  if (!state.textContent.startsWith("Not saved:")) say(`Not saved yet.${where}`);
  schedule();
}

form.addEventListener("input", changed);
form.addEventListener("change", changed);
form.addEventListener("focusout", (event) => {
  if (!form.contains(event.relatedTarget)) save();
});
form.addEventListener("kb:save", () => {
  if (isDirty()) save();
  else say(`Nothing new to save at ${clock(new Date())}`);
});
form.addEventListener("submit", () => {
  stopped = true;
  keep();
});
addEventListener("online", () => save());
addEventListener("visibilitychange", () => {
  // Browsers send at most 64 KiB from a page that goes; a longer text is kept here and offered on return.
  if (document.visibilityState === "hidden") {
    if (isDirty()) keep();
    save({ leaving: form.elements.content.value.length < 20000 });
  }
});
addEventListener("beforeunload", (event) => {
  if (!stopped && isDirty() && !keep()) event.preventDefault();
});
compare.addEventListener("click", () => form.requestSubmit());
offer();
