// When a dialog closes, the focus is where it was before: also when the dialog was opened from a menu that has closed
// meanwhile, or by the page itself, which Bootstrap leaves to us.

let before = null;

document.addEventListener("show.bs.modal", () => {
  before = document.activeElement;
});

document.addEventListener("hidden.bs.modal", (event) => {
  const now = document.activeElement;
  // What had the focus in the dialog still has it for a moment after it became invisible.
  if (now !== document.body && !event.target.contains(now)) return;
  const toggle = before?.closest(".dropdown")?.querySelector("[data-bs-toggle=dropdown]");
  const editor = document.querySelector("form.editor :is(input:not([type=hidden]), textarea)");
  for (const place of [toggle, before, editor, document.getElementById("content")]) {
    place?.focus();
    if (place === document.activeElement) return;
  }
});

// An answer brings a dialog along and names it. It is gone once it is closed.
document.addEventListener("show-dialog", (event) => {
  const dialog = document.getElementById(event.detail.value);
  dialog.addEventListener("shown.bs.modal", () => dialog.querySelector("input:not([type=hidden])").focus());
  dialog.addEventListener("hidden.bs.modal", () => dialog.remove());
  window.bootstrap.Modal.getOrCreateInstance(dialog).show();
});
