// The focus is never lost. htmx gives it back by id where it still is when the answer comes; a button
// that was disabled while its request was under way has lost it by then, and so has one that was swapped away.

const CONTROL = "button, a, input:not([type=hidden]), select, textarea";
let wanted = null;

/** After the next swap the focus goes to the first control of the element with this id, if it would be lost. */
export function focusAfterSwap(id) {
  wanted = id;
}

document.addEventListener("htmx:beforeRequest", () => {
  if (document.activeElement.id) wanted = document.activeElement.id;
});

// Who clicks elsewhere meanwhile has chosen another place.
document.addEventListener("pointerdown", () => {
  wanted = null;
});

document.addEventListener("htmx:afterSettle", () => {
  if (wanted === null || document.activeElement !== document.body) return;
  const element = document.getElementById(wanted);
  wanted = null;
  const control = element?.matches(CONTROL) ? element : element?.querySelector(CONTROL);
  (control ?? document.getElementById("content")).focus();
});
