"use strict";

// Asks each second whether anything happened, for which the answer is 304 while nothing did. Takes in what differs,
// post by post, and leaves the forms alone: somebody may be writing in one.
let tag = "";

function take(fresh, shown) {
  for (const gone of [...shown.children].filter((one) => !fresh.getElementById(one.id))) gone.remove();
  let place = shown.firstElementChild;
  for (const post of [...fresh.getElementById("posts").children]) {
    const known = document.getElementById(post.id);
    if (!known) shown.insertBefore(post, place);
    else {
      const [before, after] = [known, post].map((one) => one.querySelector("ul"));
      if (before && !before.isEqualNode(after)) before.replaceWith(after);
      place = known.nextElementSibling;
    }
  }
}

setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch("/", { headers: { "If-None-Match": tag } }).catch(() => null);
  if (answer?.status !== 200) return;
  tag = answer.headers.get("ETag");
  take(new DOMParser().parseFromString(await answer.text(), "text/html"), document.getElementById("posts"));
}, 1000);
