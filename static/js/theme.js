// The reader's theme. The server writes data-theme from the cookie, so a page never flashes; this only changes it.
const YEAR = 60 * 60 * 24 * 365;

function apply(theme) {
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  const secure = location.protocol === "https:" ? "; Secure" : "";
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not there on plain http
  document.cookie = `theme=${theme}; Path=/; Max-Age=${theme === "system" ? 0 : YEAR}; SameSite=Lax${secure}`;
}

for (const form of document.querySelectorAll("[data-theme-switch]")) {
  const current = document.documentElement.dataset.theme ?? "system";
  form.querySelector(`[value="${current}"]`).checked = true;
  form.addEventListener("change", (event) => apply(event.target.value));
  form.hidden = false;
}
