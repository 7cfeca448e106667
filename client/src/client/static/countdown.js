"use strict";

// Counts down on the server's clock: the browser's own may be wrong by hours. When the time is over, the server
// says what became of the order.
(() => {
  const clock = document.querySelector("[data-expires]");
  if (!clock) return;
  const announcement = document.getElementById("announcement");
  const [visit] = performance.getEntriesByType("navigation");
  const arrived = visit ? performance.timeOrigin + visit.responseStart : Date.now();
  const ahead = Number(clock.dataset.now) - arrived;
  const two = (number) => String(number).padStart(2, "0");
  let before = Infinity;

  // To whoever hears the page: at five minutes and at one, not every second.
  const announce = (left) => {
    for (const seconds of [300, 60]) {
      if (before > seconds && left <= seconds && before !== Infinity) {
        announcement.textContent = announcement.dataset[seconds];
      }
    }
    before = left;
  };

  const tick = () => {
    const left = Math.ceil((Number(clock.dataset.expires) - Date.now() - ahead) / 1000);
    if (left <= 0) {
      clearInterval(timer);
      clock.textContent = "00:00";
      location.replace(clock.dataset.over);
      return;
    }
    clock.textContent = `${two(Math.floor(left / 60))}:${two(left % 60)}`;
    clock.classList.toggle("soon", left <= 60);
    announce(left);
  };

  const timer = setInterval(tick, 250);
  tick();
})();
