// Reader variables: fields at the head of an article, which fill its commands and XML. kb/variables.py has the same
// types and quotes alike. Nothing typed here leaves the browser; it is kept until the tab is closed.
const TYPES = {
  text: [/^\S(?:.*\S)?$/u, "some text"],
  path: [/^(?:\/.*\S|\/)$/u, "an absolute path, such as /var/lib/libvirt/images/vm1.qcow2"],
  name: [/^[A-Za-z0-9_][A-Za-z0-9_.+:-]*$/, "a name of letters, digits and _ . + : -"],
  number: [/^[0-9]{1,15}$/, "a whole number"],
  size: [/^[0-9]{1,15}[kKMGTPE]?$/, "a size, such as 20G"],
  wwpn: [/^(?:(?:[0-9a-fA-F]{2}:){7}[0-9a-fA-F]{2}|[0-9a-fA-F]{16})$/, "16 hexadecimal digits"],
};
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const QUOTED = {
  shell: (value) => (/^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", `'"'"'`)}'`),
  "shell-single": (value) => value.replaceAll("'", "'\\''"),
  "shell-double": (value) => value.replace(/[\\"$`]/g, "\\$&").replaceAll("!", `"'!'"`),
  xml: (value) =>
    value.replace(/[&<>"']/g, (one) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" })[one]),
  json: (value) => value.replace(/[\\"]/g, "\\$&"),
  plain: (value) => value,
};
const box = document.querySelector(".variables");
const place = `kb-variables ${box.parentElement.dataset.place ?? location.pathname}`;

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(place)) ?? {};
  } catch {
    return {};
  }
}

function keep(name, value) {
  try {
    sessionStorage.setItem(place, JSON.stringify({ ...stored(), [name]: value }));
  } catch {
    // Without storage the page itself still has it.
  }
}

const isValid = (type, value) => [...value].length <= 200 && !INVISIBLE.test(value) && TYPES[type][0].test(value);

function fill(name, value) {
  for (const one of box.parentElement.querySelectorAll(".variable")) {
    if (one.dataset.variable === name) one.textContent = QUOTED[one.dataset.quoting](value);
  }
}

function addField(row) {
  const { name, type } = row.dataset;
  const usual = row.querySelector("code").textContent;
  const [label, input, wrong] = ["label", "input", "p"].map((tag) => document.createElement(tag));
  label.textContent = row.querySelector("dt").textContent;
  input.id = `variable-${name}`;
  label.htmlFor = input.id;
  wrong.id = `${input.id}-wrong`;
  wrong.className = "error";
  wrong.setAttribute("role", "status");
  Object.assign(input, { autocomplete: "off", spellcheck: false, maxLength: 200, placeholder: usual });
  input.setAttribute("aria-describedby", wrong.id);
  input.setAttribute("autocapitalize", "none");
  function follow() {
    const value = input.value.trim();
    const isFine = !value || isValid(type, value);
    fill(name, isFine && value ? value : usual);
    input.setAttribute("aria-invalid", String(!isFine));
    wrong.textContent = isFine ? "" : `This is not ${TYPES[type][1]}. The page still has ${usual}.`;
    if (isFine) keep(name, value);
  }
  input.addEventListener("input", follow);
  const field = document.createElement("div");
  field.className = "field";
  field.append(label, input, wrong);
  row.replaceWith(field);
  const before = stored()[name];
  if (typeof before === "string" && before) {
    input.value = before;
    follow();
  }
}

const fields = document.createElement("div");
fields.className = "variable-fields";
fields.append(...box.querySelectorAll("[data-name]"));
box.querySelector("dl").replaceWith(fields);
for (const row of [...fields.children]) addField(row);
const hint = document.createElement("p");
hint.className = "small quiet";
hint.textContent = "Commands and XML on this page follow what you type. It stays in this browser tab.";
box.append(hint);
