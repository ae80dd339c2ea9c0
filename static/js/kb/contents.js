// The table of contents follows: the entry of the section that is being read is the current one.
const links = new Map(
  [...document.querySelectorAll(".article-toc-aside a[href^='#']")].map((link) => [link.hash.slice(1), link]),
);
const headings = [...document.querySelectorAll(".prose :is(h2, h3)[id]")].filter((one) => links.has(one.id));

function follow() {
  const line = innerHeight / 4;
  const atEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 4;
  const passed = headings.filter((one) => one.getBoundingClientRect().top <= line);
  const current = atEnd && scrollY > 0 ? headings.at(-1) : passed.at(-1);
  for (const [id, link] of links) {
    if (id === current?.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

if (headings.length) {
  let waits = false;
  const soon = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      follow();
    });
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon);
  follow();
}
