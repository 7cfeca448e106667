"use strict";

// Stripe's Payment Element: the card's number goes to Stripe, and our form carries a token of it.
(() => {
  const night = matchMedia("(prefers-color-scheme: dark)").matches;

  const card = (form) => {
    const stripe = Stripe(form.dataset.key);
    const elements = stripe.elements({
      mode: "payment",
      amount: Number(form.dataset.amount),
      currency: "usd",
      captureMethod: "manual",
      paymentMethodTypes: ["card"],
      paymentMethodCreation: "manual",
      locale: form.dataset.locale,
      appearance: { theme: night ? "night" : "stripe" },
    });
    elements.create("payment").mount("#card");
    const button = form.querySelector("button");
    const told = document.getElementById("card-error");

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      told.textContent = "";
      const filled = await elements.submit();
      const made = filled.error ? filled : await stripe.createPaymentMethod({ elements });
      if (made.error) {
        told.textContent = made.error.message;
        button.disabled = false;
        return;
      }
      form.elements.token.value = made.paymentMethod.id;
      form.submit();
    });
  };

  // The bank's own page, in a frame of Stripe's; what came of it is then looked up by the server.
  const confirmation = (form) => {
    const stripe = Stripe(form.dataset.key);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      form.querySelector("button").disabled = true;
      await stripe.handleNextAction({ clientSecret: form.dataset.secret });
      form.submit();
    });
  };

  const payment = document.getElementById("payment");
  if (payment) card(payment);
  const further = document.querySelector("#confirmation[data-secret]");
  if (further) confirmation(further);
})();
