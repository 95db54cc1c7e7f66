// Airflow's look, before anything is drawn.
"use strict";

const host = (() => {
  try {
    // Another site's window would refuse; ours alone may frame us anyway.
    return window.parent !== window && window.parent.document.body ? window.parent : null;
  } catch {
    return null;
  }
})();
const root = document.documentElement;

// Airflow's theme: its colours, and whether it is dark.
const COLOURS = ["bg", "bg-subtle", "bg-muted", "fg", "fg-muted", "fg-subtle", "border", "brand-solid", "brand-contrast", "brand-fg"];

function takeTheme() {
  const theirs = host.document.documentElement;
  const style = host.getComputedStyle(theirs);
  const dark = theirs.classList.contains("dark");
  root.classList.toggle("dark", dark);
  root.classList.toggle("light", !dark);
  for (const name of COLOURS) {
    const value = style.getPropertyValue(`--chakra-colors-${name}`).trim();
    if (value) root.style.setProperty(`--host-${name}`, value);
  }
}

if (host) {
  root.classList.add("framed");
  takeTheme();
  new MutationObserver(takeTheme).observe(host.document.documentElement, { attributes: true, attributeFilter: ["class", "style"] });
} else {
  // Airflow keeps the choice of its switch here.
  const chosen = localStorage.getItem("theme");
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.classList.add(dark ? "dark" : "light");
}
