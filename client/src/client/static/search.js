"use strict";

// One entry in the history for each search: the first answer while somebody types makes an entry, and the later ones
// of the same typing replace it. One request for each search, also if a pause, a change and Enter all ask for it.
(() => {
  const form = document.querySelector("form[role=search]");
  const words = document.getElementById("q");
  const fields = () => new URLSearchParams(new FormData(form)).toString();
  let asked = fields();
  let entered = false;
  let left = false;

  words.addEventListener("blur", () => {
    left = true;
  });
  words.addEventListener("input", () => {
    if (left) entered = left = false;
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (asked === fields()) event.preventDefault();
    else asked = fields();
  });
  for (const failure of ["htmx:sendError", "htmx:responseError"]) {
    document.addEventListener(failure, () => {
      asked = null;
    });
  }

  document.addEventListener("htmx:beforeHistoryUpdate", ({ detail }) => {
    const cause = detail.requestConfig.triggeringEvent;
    if (entered && (cause.type === "submit" || cause.target === words)) detail.history.type = "replace";
    entered = cause.type === "input";
  });
})();
