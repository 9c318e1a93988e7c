"use strict";
// A wipe is a slider over its picture: a mouse, a finger or the arrow keys move it.
const wipes = [...document.querySelectorAll(".wipe")];
const together = document.getElementById("together");
const sides = { after: "after", matte: "matte", overlay: "matte over after" };

function show(wipe, value) {
  const slider = wipe.querySelector("input");
  slider.value = value;
  wipe.style.setProperty("--at", slider.value + "%");
  const side = sides[document.body.dataset.side];
  slider.setAttribute("aria-valuetext", `${slider.value} % before, ${100 - slider.value} % ${side}`);
}

function move(wipe, value) {
  for (const one of together.checked ? wipes : [wipe]) show(one, value);
}

for (const wipe of wipes) {
  const slider = wipe.querySelector("input");
  const follow = (event) => {
    const box = wipe.getBoundingClientRect();
    move(wipe, (100 * (event.clientX - box.left)) / box.width);
  };
  slider.addEventListener("input", () => move(wipe, slider.value));
  wipe.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    wipe.setPointerCapture(event.pointerId);
    follow(event);
  });
  wipe.addEventListener("pointermove", (event) => {
    if (wipe.hasPointerCapture(event.pointerId)) follow(event);
  });
  wipe.addEventListener("click", () => slider.focus({ preventScroll: true }));
}

function choose(side) {
  document.body.dataset.side = side;
  document.querySelector(`input[name=side][value=${side}]`).checked = true;
  for (const wipe of wipes) show(wipe, wipe.querySelector("input").value);
}

for (const radio of document.querySelectorAll("input[name=side]")) radio.addEventListener("change", () => choose(radio.value));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || !wipes.length) return;
  const names = Object.keys(sides);
  if (event.key === "m") choose(names[(names.indexOf(document.body.dataset.side) + 1) % names.length]);
});

for (const button of document.querySelectorAll(".card button")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const card = button.closest(".card");
    const large = card.classList.toggle("large");
    button.setAttribute("aria-pressed", large);
    if (large) card.scrollIntoView({ block: "nearest" });
  });
}
if (wipes.length) choose("after");
