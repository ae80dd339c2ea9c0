// Pictures by paste, drop and button: words are asked for first, then the server writes the file anew.
const form = document.querySelector("form[data-editor]");
const area = form.elements.content;
const place = form.querySelector("[data-panes] .editor-write");
const dialog = document.getElementById("picture-dialog");
const ask = dialog.querySelector("form");
const choose = ask.querySelector("[data-choose]");
const name = ask.querySelector("[data-name]");
const problem = ask.querySelector("[data-problem]");
const button = ask.querySelector("[type=submit]");
let given = null;

function open(file) {
  given = file;
  ask.reset();
  problem.textContent = "";
  choose.hidden = Boolean(file);
  ask.elements.picture.required = !file;
  name.hidden = !file;
  name.textContent = file ? `${file.name}, ${Math.ceil(file.size / 1024)} KiB` : "";
  dialog.showModal();
  if (file) ask.elements.picture_alt.focus();
}

function said(answer) {
  if (answer.status === 429) return "Many pictures were added in a short time. Wait a while.";
  if (answer.status === 400 || answer.status === 413) return "The picture is too large: 12 MiB are the most.";
  if (answer.status === 403 || answer.status === 404)
    return "You are signed out. Sign in in another tab, then try again.";
  return "The portal did not answer as it should. Try again.";
}

async function send() {
  const data = new FormData();
  data.set("picture", given ?? ask.elements.picture.files[0]);
  data.set("picture_alt", ask.elements.picture_alt.value);
  data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  const answer = await fetch(ask.action, { method: "POST", body: data, headers: { Accept: "application/json" } });
  if (answer.status === 422) throw new Error((await answer.json()).problem);
  if (!answer.ok) throw new Error(said(answer));
  return (await answer.json()).markdown;
}

ask.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  try {
    const markdown = await send();
    dialog.close();
    area.dispatchEvent(new CustomEvent("kb:insert", { detail: markdown }));
  } catch (error) {
    problem.textContent = error instanceof TypeError ? "No network: the picture is not added." : error.message;
  }
  button.disabled = false;
  button.removeAttribute("aria-busy");
});

const picturesIn = (data) => [...(data?.files ?? [])].filter((file) => file.type.startsWith("image/"));

function take(event, data) {
  const [file] = picturesIn(data);
  if (!file) return;
  event.preventDefault();
  event.stopPropagation();
  open(file);
}

// Before the editor's own handlers, which would put the file's name into the text.
place.addEventListener("paste", (event) => take(event, event.clipboardData), true);
place.addEventListener("drop", (event) => take(event, event.dataTransfer), true);
place.addEventListener("dragover", (event) => {
  if ([...event.dataTransfer.types].includes("Files")) event.preventDefault();
});
form.querySelector("[data-act=picture]").addEventListener("click", () => open(null));
dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
form.querySelector("[data-plain-picture]").hidden = true;
