// Keep the article that is being read for times without a network: as a visitor gets it, for it is asked for without
// cookies, so that no page of a member is ever kept. The newest 40 articles stay; signing out empties it all.
const MOST = { "kb-articles": 40, "kb-files": 240 };

// What asks about a section needs the network.
const ASK = /<a class="ask [^>]*>[^<]*<\/a>/g;

async function put(shelf, path) {
  const response = await fetch(path, { credentials: "omit" });
  if (!response.ok || response.redirected || response.headers.get("Cache-Control")?.includes("no-store")) return;
  await shelf.put(path, await withoutAsking(response)); // in place of the older one, and last in order
}

async function withoutAsking(response) {
  if (!response.headers.get("Content-Type")?.startsWith("text/html")) return response;
  const page = (await response.text()).replace(ASK, "");
  const headers = new Headers(response.headers); // its policy among them
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
  return new Response(page, { headers });
}

async function trim(name) {
  const shelf = await caches.open(name);
  const keys = await shelf.keys();
  await Promise.all(keys.slice(0, Math.max(0, keys.length - MOST[name])).map((key) => shelf.delete(key)));
}

function paths() {
  const named = [...document.querySelectorAll("link[rel=stylesheet], link[rel=preload], script[src], .prose img")];
  const urls = named.map((one) => new URL(one.href || one.src, location.href));
  return [...new Set(urls.filter((url) => url.origin === location.origin).map((url) => url.pathname))];
}

async function keep() {
  const start = document.querySelector("script[data-worker]").dataset;
  await navigator.serviceWorker.register(start.worker, { scope: start.scope });
  const [articles, files] = await Promise.all(Object.keys(MOST).map((name) => caches.open(name)));
  await put(articles, location.pathname);
  const missing = await Promise.all(
    paths().map(async (path) => ((await files.match(path, { ignoreVary: true })) ? "" : path)),
  );
  await Promise.all(missing.filter(Boolean).map((path) => put(files, path)));
  await Promise.all(Object.keys(MOST).map(trim));
}

if ("serviceWorker" in navigator && "caches" in window && !navigator.connection?.saveData) {
  keep().catch(() => {
    // Without room or permission there is nothing to keep; the page itself is here.
  });
}
