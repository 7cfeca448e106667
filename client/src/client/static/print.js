"use strict";

// The button that prints the receipt is shown only where it can do so: without scripts the browser's own menu prints.
(() => {
  const line = document.getElementById("print");
  line.querySelector("button").addEventListener("click", () => print());
  line.hidden = false;
})();
