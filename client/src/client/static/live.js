"use strict";

// Shows what happens to the ticket while its page is looked at. The server tells the state of things at once and at
// each change. A page that nobody looks at asks for nothing: browsers have few connections to one server.
(() => {
  const region = document.querySelector("[data-live]");
  if (!region || !window.EventSource) return;
  let source = null;
  let later = 0;

  // Only what differs is exchanged: the keyboard's place stays, and a screen reader says no more than what is new.
  // A button that is exchanged, as Purchase is with its price, gives up the keyboard: a key that was on its way
  // when the price changed buys nothing.
  const show = (html) => {
    const held = region.contains(document.activeElement);
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = [...template.content.children];
    const old = [...region.children];
    fresh.forEach((element, index) => {
      if (!old[index]) region.append(element);
      else if (!old[index].isEqualNode(element)) old[index].replaceWith(element);
    });
    old.slice(fresh.length).forEach((element) => element.remove());
    if (held && !region.contains(document.activeElement)) region.focus();
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
