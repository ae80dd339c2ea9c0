// "Nearest first" on the list of chapters. The place never leaves the browser: the list is sorted here.
const list = document.querySelector("[data-near-me]");

// Great-circle distance in km (haversine, a sphere of 6371 km).
function distance(from, to) {
  const rad = (degrees) => (degrees * Math.PI) / 180;
  const a =
    Math.sin(rad(to.latitude - from.latitude) / 2) ** 2 +
    Math.cos(rad(from.latitude)) * Math.cos(rad(to.latitude)) * Math.sin(rad(to.longitude - from.longitude) / 2) ** 2;
  return 12742 * Math.asin(Math.sqrt(a));
}

function sortFrom(here, say) {
  const known = [...list.children].filter((item) => item.dataset.latitude);
  for (const item of known) {
    const place = { latitude: Number(item.dataset.latitude), longitude: Number(item.dataset.longitude) };
    item.km = distance(here, place);
    let note = item.querySelector(".distance");
    if (!note) {
      note = document.createElement("p");
      note.className = "distance small quiet";
      item.append(note);
    }
    note.textContent = `about ${Math.max(1, Math.round(item.km)).toLocaleString("en")} km from you`;
  }
  known.sort((a, b) => b.km - a.km);
  for (const item of known) list.prepend(item);
  say(known.length ? "The nearest is first. Your place stayed in this browser." : "No chapter says where it is.");
}

if (list && "geolocation" in navigator) {
  const row = document.createElement("p");
  const button = document.createElement("button");
  const status = document.createElement("span");
  row.className = "row";
  button.type = "button";
  button.className = "button button-plain";
  button.textContent = "Nearest to me first";
  status.className = "small quiet";
  status.setAttribute("role", "status");
  const say = (text) => {
    status.textContent = text;
    button.disabled = false;
  };
  button.addEventListener("click", () => {
    button.disabled = true;
    status.textContent = "Asking your browser where you are …";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => sortFrom(coords, say),
      () => say("Your browser did not say where you are. Choose your city from the list."),
      { maximumAge: 600000, timeout: 15000 },
    );
  });
  row.append(button, status);
  list.before(row);
}
