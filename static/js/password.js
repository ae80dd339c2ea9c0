// A button beside every password field that shows what was typed. It hides it again before the form is sent.
for (const input of document.querySelectorAll('input[type="password"]')) {
  const wrapper = document.createElement("div");
  const button = document.createElement("button");
  wrapper.className = "with-button";
  button.type = "button";
  button.textContent = "Show";
  button.setAttribute("aria-label", "Show password");
  button.setAttribute("aria-pressed", "false");
  input.replaceWith(wrapper);
  wrapper.append(input, button);

  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(shown));
  };
  button.addEventListener("click", () => show(input.type === "password"));
  input.form?.addEventListener("submit", () => show(false));
}
