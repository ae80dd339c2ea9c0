// The page for times without a network: which articles this browser has kept, and a way to forget them.
const list = document.querySelector("[data-kept]");
const none = document.querySelector("[data-none]");
const forget = document.querySelector("[data-forget]");

async function show() {
  const shelf = await caches.open("kb-articles");
  const items = [];
  for (const request of (await shelf.keys()).reverse()) {
    const response = await shelf.match(request, { ignoreVary: true });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const [item, link] = [document.createElement("li"), document.createElement("a")];
    link.href = new URL(request.url).pathname;
    link.textContent = page.querySelector("h1")?.textContent.trim() || link.href;
    item.append(link);
    items.push(item);
  }
  list.replaceChildren(...items);
  none.hidden = items.length > 0;
  forget.hidden = items.length === 0;
}

forget.addEventListener("click", async () => {
  await caches.delete("kb-articles");
  await show();
  none.focus();
});
if ("caches" in window) show();
