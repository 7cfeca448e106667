"use strict";

// Shows what happens to the ticket while its page is looked at. The server tells the state of things at once and at
// each change. A page that nobody looks at asks for nothing: browsers have few connections to one server.
(() => {
  const region = document.querySelector("[data-live]");
  if (!region || !window.EventSource) return;
  let source = null;
  let later = 0;

  // A press that was under way when the price changed must not buy at the new one. So the form keeps the price that
  // was seen until the new one has been on the screen for a moment and no pointer is on the button: a press before
  // that is refused by the server, with both prices.
  const MOMENT = 1500;
  const changed = document.getElementById("price-changed");
  const field = () => region.querySelector("input[name=price]");
  const shown = () => region.querySelector(".amount").textContent.trim();
  let seen = null;
  let soon = 0;

  const accept = () => {
    const button = field()?.form.querySelector("button");
    if (button?.matches(":hover")) button.addEventListener("pointerleave", accept, { once: true });
    else if (seen && field()) {
      field().value = seen.now;
      seen = null;
    }
  };

  const keep = (before, words) => {
    const now = field()?.value;
    clearTimeout(soon);
    const first = seen ?? { price: before, words };
    seen = null;
    changed.hidden = now === undefined || before === undefined || now === first.price;
    if (changed.hidden) return;
    seen = { ...first, now };
    field().value = first.price;
    changed.textContent = changed.dataset.words.replace("{before}", first.words).replace("{now}", shown());
    soon = setTimeout(accept, MOMENT);
  };

  // Only what differs is exchanged: the keyboard's place stays, and a screen reader says no more than what is new.
  // A button that is exchanged, as Purchase is with its price, gives up the keyboard.
  const show = (html) => {
    const held = region.contains(document.activeElement);
    const template = document.createElement("template");
    template.innerHTML = html;
    const before = seen?.now ?? field()?.value;
    const words = shown();
    if (seen && field()) field().value = seen.now;
    const fresh = [...template.content.children];
    const old = [...region.children];
    fresh.forEach((element, index) => {
      if (!old[index]) region.append(element);
      else if (!old[index].isEqualNode(element)) old[index].replaceWith(element);
    });
    old.slice(fresh.length).forEach((element) => element.remove());
    if (held && !region.contains(document.activeElement)) region.focus();
    if (field()?.value !== before || seen) keep(before, words);
  };

  const close = () => {
    clearTimeout(later);
    if (source) source.close();
    source = null;
  };

  const open = () => {
    close();
    if (document.hidden) return;
    const opened = new EventSource(region.dataset.live);
    opened.addEventListener("state", (event) => show(event.data));
    opened.addEventListener("gone", () => {
      close();
      location.replace(region.dataset.page);
    });
    // A connection that ends comes again by itself; one that is refused does not.
    opened.addEventListener("error", () => {
      if (opened.readyState !== EventSource.CLOSED) return;
      later = setTimeout(open, 5000 + Math.random() * 10000);
    });
    source = opened;
  };

  document.addEventListener("visibilitychange", open);
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  open();
})();
