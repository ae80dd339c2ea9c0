// Passkeys (WebAuthn level 3). A form marked data-passkey asks the browser for a credential before it is sent;
// the server gave the question in #passkey-data, or gives it at the form's own address (sign-in).

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const withBytes = (list) => list?.map((item) => ({ ...item, id: toBytes(item.id) }));

function creationOptions(options, alone) {
  return {
    ...options,
    challenge: toBytes(options.challenge),
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: withBytes(options.excludeCredentials),
    authenticatorSelection: {
      ...options.authenticatorSelection,
      residentKey: alone ? "required" : "discouraged",
      requireResidentKey: alone,
      ...(alone ? { userVerification: "required" } : {}),
    },
  };
}

function requestOptions(options) {
  return {
    ...options,
    challenge: toBytes(options.challenge),
    allowCredentials: withBytes(options.allowCredentials),
  };
}

function credentialAsJson(credential) {
  const { response } = credential;
  const said = { clientDataJSON: toText(response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[part]) said[part] = toText(response[part]);
  }
  if (response.getTransports) said.transports = response.getTransports();
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    response: said,
    clientExtensionResults: credential.getClientExtensionResults(),
  });
}

async function ask(form) {
  if (form.dataset.passkey === "login") {
    const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`The portal answered ${answer.status}.`);
    const data = await answer.json();
    return navigator.credentials.get({ publicKey: requestOptions(data.request_options.publicKey) });
  }
  const data = JSON.parse(document.getElementById("passkey-data").textContent);
  if (form.dataset.passkey === "add") {
    const alone = form.elements.passwordless.checked;
    return navigator.credentials.create({ publicKey: creationOptions(data.creation_options.publicKey, alone) });
  }
  return navigator.credentials.get({ publicKey: requestOptions(data.request_options.publicKey) });
}

function explain(error) {
  if (error.name === "NotAllowedError") return "Nothing was chosen in time, or it was cancelled. Try again.";
  if (error.name === "InvalidStateError") return "This device has a passkey for your account already.";
  if (error.name === "SecurityError") return "Passkeys work only at the portal's own address, over https.";
  return "The browser could not use a passkey. Try again, or use another way.";
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const complaint = form.querySelector("[role=alert]");
    const button = form.querySelector("button[type=submit]");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      complaint.hidden = true;
      button.setAttribute("aria-busy", "true");
      try {
        form.elements.credential.value = credentialAsJson(await ask(form));
        form.submit();
      } catch (error) {
        complaint.textContent = explain(error);
        complaint.hidden = false;
        button.removeAttribute("aria-busy");
      }
    });
  }
}
