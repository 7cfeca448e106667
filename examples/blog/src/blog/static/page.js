"use strict";

// Looks at the list again and takes what differs; a form that somebody is writing in stays.
setInterval(async () => {
  if (document.hidden || document.activeElement?.closest("#posts form")) return;
  const answer = await fetch("/").catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("posts");
  const shown = document.getElementById("posts");
  if (fresh && !shown.isEqualNode(fresh)) shown.replaceWith(fresh);
}, 1000);
