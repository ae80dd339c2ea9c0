// The page at the door, which goes on while there is no network: what is done is kept here with its time and a random
// key, and sent when the network is back. The server does each key once, and says what became of it.
const door = document.getElementById("door");
const fresh = JSON.parse(document.getElementById("door-state").textContent);
const list = door.querySelector("[data-list]");
const blank = door.querySelector("[data-blank]");
const said = door.querySelector("[data-said]");
const network = door.querySelector("[data-network]");
const search = door.querySelector("[data-search]");
const token = door.querySelector("[name=csrfmiddlewaretoken]").value;
const PREFIX = "door-";
const place = `${PREFIX}${fresh.meetup}`;
const MOST = 200;
const TONES = { good: "door-said tone-good", warn: "door-said tone-warn" };

// Lists of other readers, and those of meetups that are over, do not stay in this browser.
function sweep() {
  const now = Date.now() / 1000;
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith(PREFIX))) {
    const kept = JSON.parse(localStorage.getItem(key));
    if (kept.reader !== fresh.reader || kept.until < now) localStorage.removeItem(key);
  }
}

sweep();
const stored = JSON.parse(localStorage.getItem(place) ?? "null");
const state = {
  reader: fresh.reader,
  until: fresh.until,
  stamp: Math.max(fresh.stamp, stored?.stamp ?? 0),
  people: stored?.stamp > fresh.stamp ? stored.people : fresh.people,
  queue: stored?.queue ?? [],
};
let trouble = "";
let busy = false;

const save = () => localStorage.setItem(place, JSON.stringify(state));
const clock = (at) =>
  new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: fresh.zone });

function say(sentence, tone = "good") {
  said.className = TONES[tone];
  said.textContent = sentence;
}

// The people as this helper sees them: the server's list, and what waits here on top of it.
function people() {
  const seen = new Map(state.people.map((one) => [one.pk, { ...one }]));
  for (const act of state.queue) {
    const one = seen.get(act.pk);
    if (!one) continue;
    one.waits = true;
    one.at = act.what === "in" ? one.at || clock(act.at) : "";
    one.by = act.what === "in" ? one.by || fresh.name : "";
  }
  return [...seen.values()];
}

function words(one) {
  const here = one.at ? `here since ${one.at}${one.by ? `, ${one.by}` : ""}` : one.seat ? "" : one.state;
  const guests = one.guests ? `with ${one.guests} guest${one.guests === 1 ? "" : "s"}` : "";
  return [here, guests, one.waits ? "not sent yet" : ""].filter(Boolean).join(" · ");
}

function line(one) {
  const known = list.querySelector(`[data-pk="${one.pk}"]`);
  if (known) return known;
  const made = blank.content.firstElementChild.cloneNode(true);
  made.dataset.pk = one.pk;
  made.querySelector("[name=pk]").value = one.pk;
  made.querySelector("[data-name]").textContent = one.name;
  return made;
}

function draw(item, one) {
  item.querySelector("[data-state]").textContent = words(one);
  const button = item.querySelector("button");
  const [what, label] = one.at ? ["undo", "Undo"] : one.seat ? ["in", "Check in"] : ["admit", "Give a seat"];
  if (button.value === what && button.dataset.drawn) return;
  const name = document.createElement("span");
  name.className = "unseen";
  name.textContent = ` ${one.name}`;
  button.value = what;
  button.dataset.drawn = "1";
  button.className = `button button-small${what === "in" ? "" : " button-plain"}`;
  button.replaceChildren(label, name);
}

function render() {
  const all = people();
  const wanted = search.elements.q.value.trim().toLowerCase();
  const kept = new Set(all.map((one) => String(one.pk)));
  for (const item of [...list.children]) if (!kept.has(item.dataset.pk)) item.remove();
  all.forEach((one, index) => {
    const item = line(one);
    if (!item.isConnected) list.insertBefore(item, list.children[index] ?? null);
    item.hidden = !one.name.toLowerCase().includes(wanted);
    draw(item, one);
  });
  const heads = (some) => some.reduce((sum, one) => sum + 1 + one.guests, 0);
  door.querySelector("[data-here]").textContent = heads(all.filter((one) => one.at));
  door.querySelector("[data-expected]").textContent = heads(all.filter((one) => one.seat));
  const waiting = state.queue.length;
  const waits = waiting ? ` Waiting here to be sent: ${waiting}.` : "";
  network.textContent = trouble ? `${trouble}${waits}` : "";
  network.hidden = !trouble;
}

function hear(outcomes) {
  const odd = outcomes.filter((one) => one.outcome !== "done");
  if (odd.length) say(odd.map((one) => one.sentence).join(" "), "warn");
}

async function send() {
  const acts = state.queue.slice(0, MOST);
  const response = await fetch(door.dataset.sync, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify({ acts }),
  });
  // An answer that was cut off is none: what it answers stays here and is sent again under its keys.
  const answer = response.ok ? await response.json() : await response.json().catch(() => ({}));
  if (response.ok) {
    const keys = new Set(acts.map((act) => act.key));
    state.queue = state.queue.filter((act) => !keys.has(act.key));
    Object.assign(state, { people: answer.people, stamp: answer.stamp, until: answer.until });
    trouble = "";
    hear(answer.outcomes);
  } else if (response.status === 404) {
    state.people = [];
    trouble = "You are signed out, or no longer help at this door. Sign in again, and come back here.";
  } else if (response.status === 403) {
    trouble = "The portal did not take it. Reload this page.";
  } else {
    trouble = answer.refusal ?? "The portal has a problem. This page tries again.";
  }
  return response.ok && state.queue.length > 0;
}

async function sync() {
  if (busy) return;
  busy = true;
  try {
    while (await send());
  } catch {
    trouble = "No network. Go on: everything is kept here and sent when it is back.";
  }
  busy = false;
  save();
  render();
}

function note(act) {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const key = [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  state.queue.push({ key, at: new Date().toISOString(), ...act });
  save();
  render();
  sync();
}

function checkIn(one) {
  if (one.at) return say(`${one.name} was already checked in at ${one.at}${one.by ? ` by ${one.by}` : ""}.`, "warn");
  if (!one.seat) return say(`${one.name} has no seat: ${one.state.toLowerCase()}.`, "warn");
  say(`${one.name} is checked in${one.guests ? `, with ${one.guests} guest${one.guests === 1 ? "" : "s"}` : ""}.`);
  note({ what: "in", pk: one.pk });
}

async function byCode(typed) {
  const code = typed.trim().toUpperCase();
  if (!code) return;
  let one;
  if (crypto.subtle) {
    const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${fresh.meetup}:${code}`));
    const hash = [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    one = people().find((person) => person.hash === hash);
  }
  if (one) return checkIn(one);
  say("This code is not on the list here. The portal looks it up.", "warn");
  note({ what: "in", code });
}

door.addEventListener("submit", (event) => {
  const form = event.target;
  const what = event.submitter?.value;
  if (form.matches("[data-code]")) {
    byCode(form.elements.code.value);
    form.reset();
  } else if (form.matches("[data-act]") && what !== "admit") {
    const one = people().find((person) => person.pk === Number(form.elements.pk.value));
    if (what === "in") checkIn(one);
    else {
      say(`${one.name} is no longer checked in.`);
      note({ what: "undo", pk: one.pk });
    }
  } else if (!form.matches("[data-search]")) return;
  event.preventDefault();
});
search.addEventListener("input", render);

// Reading codes in the page, where the browser can. Everywhere else the phone's own camera opens the code's address.
const scan = door.querySelector("[data-scan]");
const video = door.querySelector("[data-video]");
let stream;

function stopScan() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = undefined;
  video.hidden = true;
  scan.textContent = "Scan with the camera";
}

async function startScan() {
  stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  video.srcObject = stream;
  video.hidden = false;
  scan.textContent = "Stop the camera";
  await video.play();
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  let last = "";
  while (stream) {
    const [found] = await detector.detect(video).catch(() => []);
    const code = found?.rawValue.match(/\/check-in\/c\/([0-9A-Za-z]+)/)?.[1] ?? "";
    if (code && code !== last) await byCode(code);
    last = code || last;
    await new Promise((wake) => setTimeout(wake, 250));
  }
}

if ("BarcodeDetector" in window && navigator.mediaDevices) {
  scan.hidden = false;
  scan.addEventListener("click", () => {
    if (stream) stopScan();
    else startScan().catch(() => say("The browser did not give the camera. Type the code instead.", "warn"));
  });
}

// A reload without a network shows this page again: the worker answers with what is cached here.
async function keepPage() {
  await navigator.serviceWorker.register(door.dataset.worker);
  const here = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
  const files = here.filter((url) => url.origin === location.origin && /\.(css|js|woff2|svg)$/.test(url.pathname));
  const shelf = await caches.open(place);
  await shelf.addAll([location.pathname, ...new Set(files.map((url) => url.pathname))]);
  door.dataset.kept = "1";
}

if ("serviceWorker" in navigator) keepPage().catch(() => {});
addEventListener("online", sync);
addEventListener("offline", sync);
document.addEventListener("visibilitychange", () => document.hidden || sync());
setInterval(() => document.hidden || sync(), 20000);
save();
render();
sync();
