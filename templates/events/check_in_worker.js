{% load l10n %}
// Answers for the page at the door of one meetup while there is no network, and for the files that it needs.
const PAGE = "{{ page|escapejs }}";
const SHELF = "door-{{ meetup.pk }}";
const UNTIL = {{ until|unlocalize }};

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

async function fromShelf(path) {
  if (Date.now() / 1000 > UNTIL) {
    await caches.delete(SHELF);
    return undefined;
  }
  return (await caches.open(SHELF)).match(path);
}

// The network first; after four seconds, or without one, what is kept.
async function answer(request, path) {
  const asked = fetch(request).then(async (response) => {
    if (path === PAGE && (response.redirected || response.status === 404)) await caches.delete(SHELF);
    else if (response.ok) await (await caches.open(SHELF)).put(path, response.clone());
    return response;
  });
  const late = new Promise((wake) => setTimeout(wake, 4000)).then(() => fromShelf(path));
  const first = await Promise.race([asked, late]).catch(() => undefined);
  return first ?? (await fromShelf(path)) ?? asked;
}

addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const isPage = event.request.mode === "navigate" && url.pathname === PAGE;
  const isFile = /\.(css|js|woff2|svg)$/.test(url.pathname) && event.request.mode !== "navigate";
  if (event.request.method === "GET" && url.origin === location.origin && (isPage || isFile))
    event.respondWith(answer(event.request, url.pathname));
});
