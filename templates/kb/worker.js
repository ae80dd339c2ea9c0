{% load static %}
// Answers for pages of the knowledge base while there is no network, from what js/kb/offline.js put by. It keeps
// nothing by itself but the page that says so.
const OFFLINE = "{% url "kb:offline" %}";
const ROOM = "{% url "kb:article_list" %}";
const STATIC = "{{ static_url|escapejs }}";
const FILES = [
  {% for file in files %}"{% static file %}",
  {% endfor %}
];
const ANY = { ignoreSearch: true, ignoreVary: true };
const fresh = (path) => new Request(path, { credentials: "omit" });

addEventListener("install", (event) => {
  const keep = async () => {
    const files = await caches.open("kb-files");
    await Promise.all([OFFLINE, ...FILES].map((path) => files.add(fresh(path))));
  };
  event.waitUntil(keep().then(() => skipWaiting()));
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

const kept = (url) => caches.match(url.pathname, ANY);

async function page(request, url) {
  try {
    const response = await fetch(request);
    if ([404, 410].includes(response.status)) await (await caches.open("kb-articles")).delete(url.pathname, ANY);
    return response;
  } catch {
    return (await kept(url)) ?? (await caches.match(OFFLINE, ANY)) ?? Response.error();
  }
}

async function file(request, url) {
  try {
    return await fetch(request);
  } catch {
    return (await kept(url)) ?? Response.error();
  }
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  const isUnder = (start) => url.pathname.startsWith(start);
  if (request.mode === "navigate" && isUnder(ROOM)) event.respondWith(page(request, url));
  else if (isUnder(STATIC) || isUnder(`${ROOM}pictures/`)) event.respondWith(file(request, url));
});
