"use strict";

// Passkeys: the browser asks the user's device, and a form of ours carries the answer as JSON.
(() => {
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  // By hand: not every browser, and not every password manager, reads and writes WebAuthn's JSON by itself.
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");

  const read = (options) => {
    options.challenge = bytes(options.challenge);
    if (options.user) options.user.id = bytes(options.user.id);
    for (const one of [...(options.allowCredentials ?? []), ...(options.excludeCredentials ?? [])])
      one.id = bytes(one.id);
    return options;
  };

  const PARTS = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const written = ({ id, type, response }) => {
    const parts = PARTS.filter((part) => response[part]).map((part) => [part, text(response[part])]);
    return JSON.stringify({ id, rawId: id, type, response: Object.fromEntries(parts) });
  };

  // The server says in plain text why it refuses.
  class Refused extends Error {}

  const ask = async (address, fields) => {
    const answer = await fetch(address, { method: "POST", body: new URLSearchParams(fields) });
    if (answer.ok && !answer.redirected) return read(await answer.json());
    const isOurs = answer.headers.get("Content-Type")?.startsWith("text/plain");
    throw isOurs ? new Refused(await answer.text()) : new Error(answer.status);
  };

  const words = (error, { failed, known }) => {
    if (error instanceof Refused) return error.message;
    return (error.name === "InvalidStateError" && known) || failed;
  };

  const put = (form, name, value) => {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  };

  const send = (button) => {
    const action = button.getAttribute("formaction");
    if (action) button.form.action = action;
    button.form.submit();
  };

  let waiting = null;

  const on = (button, act) => {
    const told = button.form.querySelector("[role=alert]");
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      waiting?.abort("stop");
      button.disabled = true;
      told.textContent = "";
      try {
        await act(button.form);
        send(button);
      } catch (error) {
        told.textContent = words(error, button.dataset);
        button.disabled = false;
      }
    });
  };

  for (const button of document.querySelectorAll("[data-prove]"))
    on(button, async (form) => {
      const publicKey = await ask(button.dataset.prove);
      put(form, "passkey", written(await navigator.credentials.get({ publicKey })));
    });

  for (const button of document.querySelectorAll("[data-create]"))
    on(button, async (form) => {
      const publicKey = await ask(button.dataset.create, new FormData(form));
      put(form, "credential", written(await navigator.credentials.create({ publicKey })));
      form.elements.passkey_password.value = "";
    });

  // Passkeys among what the browser offers for the e-mail field. A challenge ends: another one replaces it in time.
  const autofill = async (button) => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    for (;;) {
      const publicKey = await ask(button.dataset.prove);
      waiting = new AbortController();
      const timer = setTimeout(() => waiting.abort("again"), publicKey.timeout * 0.8);
      try {
        const { signal } = waiting;
        const answer = await navigator.credentials.get({ publicKey, signal, mediation: "conditional" });
        put(button.form, "passkey", written(answer));
        send(button);
        return;
      } catch {
        if (waiting.signal.reason !== "again") return;
      } finally {
        clearTimeout(timer);
      }
    }
  };

  for (const part of document.querySelectorAll("[data-passkeys]")) {
    part.hidden = false;
    part.classList.remove("reserved");
  }
  for (const part of document.querySelectorAll("[data-without-passkeys]")) part.hidden = true;
  const offered = document.querySelector("[data-autofill]");
  if (offered) autofill(offered).catch(() => {});
})();
