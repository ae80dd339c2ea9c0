// Makes the plain form of /lab/images/ a resumable upload: drop or choose, watch, pause, go on, cancel.
import { isPossible, Metadata } from "./metadata.js";
import { Transfer } from "./transfer.js";
import { moving, Pace, size, timeLeft } from "./words.js";

const form = document.querySelector("form[data-upload]");
const panel = document.querySelector("[data-transfer]");
const part = (name) => panel.querySelector(`[data-${name}]`);
const input = form.querySelector("input[type=file]");
const drop = form.querySelector("[data-drop]");

const most = Number(form.dataset.maxBytes);
const metadata = new Metadata(document.querySelector("[data-metadata]"), form.dataset.worker, {
  packed: (file) => begin(file),
  whole: (file) => begin(file),
  stop: () => reset(),
});

let transfer = null;
let pace = null;
let drawnAt = 0;

function say(sentence, tone = "") {
  const said = part("said");
  said.className = tone;
  said.textContent = sentence;
}

function show({ running }) {
  part("pause").hidden = !running;
  part("resume").hidden = running;
}

function draw(sent, total) {
  const now = performance.now();
  pace.add(sent, now);
  if (now - drawnAt < 250 && sent < total) return;
  drawnAt = now;
  const percent = total ? Math.floor((sent * 100) / total) : 100;
  const bar = part("bar");
  bar.value = percent;
  bar.textContent = `${percent} %`;
  part("bytes").textContent = `${sent < total ? moving(sent) : size(sent)} of ${size(total)}, ${percent} %`;
  const speed = pace.perSecond;
  part("pace").textContent = speed > 0 ? `${moving(speed)} per second, ${timeLeft((total - sent) / speed)}` : "";
  if (part("said").dataset.passing) {
    delete part("said").dataset.passing;
    say("Sending.");
  }
}

const on = {
  progress: draw,
  resumed: () => {
    // What came on an earlier visit is no part of today's speed.
    pace = new Pace();
    say("Going on where it stopped.");
  },
  retry: () => {
    say("The connection was lost. Trying again; what was sent is kept.", "text-warn");
    part("said").dataset.passing = "yes";
    part("pace").textContent = "";
  },
  stop: (sentence) => {
    say(sentence, "text-bad");
    part("pace").textContent = "";
    show({ running: false });
  },
  done: (report) => {
    say("All of it has arrived. Opening the report.");
    panel.querySelector("[data-pause]").hidden = true;
    panel.querySelector("[data-cancel]").hidden = true;
    location.assign(report ?? location.pathname);
  },
};

// The form of a page fetched now: its token is of this moment, and without a form nobody is signed in.
async function freshToken() {
  const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!response.ok) throw new TypeError("no page");
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.querySelector("form[data-upload] [name=csrfmiddlewaretoken]")?.value ?? null;
}

// Send the file, or first take its metadata out of it: as the person chose, or because it is too large.
function take(file) {
  const isTooLarge = file.size > most;
  if (isPossible && (isTooLarge || form.elements.what.value === "metadata")) {
    form.hidden = true;
    const because = isTooLarge ? `The file has ${size(file.size)}; at most ${form.dataset.maxWords} are taken.` : "";
    metadata.begin(file, { because, canSendWhole: !isTooLarge });
    return;
  }
  begin(file);
}

function begin(file) {
  panel.hidden = false;
  form.hidden = true;
  part("name").textContent = file.name;
  pace = new Pace();
  show({ running: true });
  panel.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "nearest" });
  if (file.size > most) {
    say(`The file has ${size(file.size)}; at most ${form.dataset.maxWords} are taken.`, "text-bad");
    part("pause").hidden = true;
    return;
  }
  say("Sending.");
  transfer = new Transfer(file, {
    endpoint: form.dataset.endpoint,
    visibility: form.elements.visibility.value,
    token: form.elements.csrfmiddlewaretoken.value,
    on,
  });
  draw(0, file.size);
  transfer.start();
}

function reset() {
  transfer = null;
  input.value = "";
  panel.hidden = true;
  form.hidden = false;
  input.focus();
}

async function resume() {
  show({ running: true });
  say("Asking the portal how much has arrived.");
  part("said").dataset.passing = "yes";
  pace = new Pace();
  let token;
  try {
    token = await freshToken();
  } catch {
    on.stop("The portal cannot be reached. Check your connection, then press Resume.");
    return;
  }
  if (token === null) {
    const link = document.createElement("a");
    link.href = `${form.dataset.signIn}?next=${encodeURIComponent(location.pathname)}`;
    link.target = "_blank";
    link.textContent = "Sign in in another tab";
    on.stop("");
    part("said").replaceChildren("You are signed out. ", link, ", then press Resume. What was sent is kept.");
    return;
  }
  transfer.resume(token);
}

part("pause").addEventListener("click", async () => {
  await transfer.pause();
  say("Paused. What was sent is kept.");
  part("pace").textContent = "";
  show({ running: false });
  part("resume").focus();
});

part("resume").addEventListener("click", async () => {
  await resume();
  if (!part("pause").hidden) part("pause").focus();
});

part("cancel").addEventListener("click", async () => {
  try {
    await transfer?.cancel();
  } catch {
    // The portal deletes what nobody goes on with; there is nothing more to do here.
  }
  reset();
});

addEventListener("online", () => {
  if (transfer && !panel.hidden && !part("resume").hidden && part("said").className === "text-bad") resume();
});

input.addEventListener("change", () => {
  if (input.files.length) take(input.files[0]);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (input.files.length) take(input.files[0]);
});

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("is-over");
  });
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, () => drop.classList.remove("is-over"));
}
// A file dropped beside the place would replace the page.
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  if (form.hidden || !event.target.closest?.("[data-drop]")) return;
  const files = event.dataTransfer?.files ?? [];
  form.querySelector("[data-drop-said]").textContent =
    files.length > 1 ? `These are ${files.length} files. Drop one; the next can follow when its report is there.` : "";
  if (files.length === 1) take(files[0]);
});

for (const element of document.querySelectorAll("[data-with-script]")) element.hidden = false;
for (const element of document.querySelectorAll("[data-without-script]")) element.hidden = true;
document.querySelector("[data-metadata-choice]").hidden = !isPossible;
// On a slow line a person can choose before this script has come; the form's own button is hidden by now.
if (input.files.length) take(input.files[0]);
