// The focus is never lost. htmx gives it back by id where it still is when the answer comes; a button
// that was disabled while its request was under way has lost it by then, and so has one that was swapped away.

const CONTROL = "button, a, input:not([type=hidden]), select, textarea";
let wanted = null;
let asked = false;

/** After the next swap the focus goes to the first control of the element with this id, if it would be lost. */
export function focusAfterSwap(id) {
  wanted = id;
  asked = true;
}

/** Put the focus down until the swap that comes now is done. It comes back to where it is, or where it was asked for. */
export function putFocusDown() {
  const { id } = document.activeElement;
  if (!id && !asked) return;
  if (!asked) wanted = id;
  document.activeElement.blur();
}

document.addEventListener("htmx:beforeRequest", () => {
  asked = false;
  if (document.activeElement.id) wanted = document.activeElement.id;
});

// Who clicks elsewhere meanwhile has chosen another place.
document.addEventListener("pointerdown", () => {
  wanted = null;
  asked = false;
});

document.addEventListener("htmx:afterSettle", () => {
  if (wanted === null || document.activeElement !== document.body) return;
  const element = document.getElementById(wanted);
  wanted = null;
  asked = false;
  const control = element?.matches(CONTROL) ? element : element?.querySelector(CONTROL);
  (control ?? document.getElementById("content")).focus();
});
