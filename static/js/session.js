// Signed out in the middle of something: a dialog says so and shows what is not saved yet. Signing in happens in
// another tab, or from a frame in a window that embed.js opens; afterwards this page goes on where it was.
import { token } from "./csrf.js";
import { say } from "./messages.js";

const dialog = document.getElementById("signed-out");
let tokenThen;

/** Show the dialog once, however many requests were refused. `address` is the sign-in page, on this site. */
export function askToSignIn(address) {
  if (dialog.classList.contains("show")) return;
  tokenThen = token();
  const link = dialog.querySelector("a");
  if (address?.startsWith("/")) link.href = address;
  if (link.dataset.script) import(link.dataset.script);
  showWhatWasTyped();
  window.bootstrap.Modal.getOrCreateInstance(dialog).show();
}

const TYPED_IN = "input:not([type=hidden], [type=checkbox], [type=radio]), textarea";

function showWhatWasTyped() {
  const fields = [...document.querySelectorAll("form.editor")].flatMap((form) => [...form.querySelectorAll(TYPED_IN)]);
  const changed = fields.find((field) => field.value !== field.defaultValue);
  const box = dialog.querySelector(".typed");
  box.hidden = !changed;
  if (!changed) return;
  const name = changed.getAttribute("aria-label") ?? changed.labels?.[0]?.textContent ?? "";
  box.querySelector(".typed-what").textContent = name;
  box.querySelector(".typed-value").textContent = changed.value;
}

function goOn() {
  window.bootstrap.Modal.getInstance(dialog).hide();
  say("You are signed in again. What you typed is still here: save it once more.");
}

// A sign-in, in whichever tab, gives the browser a new CSRF token.
window.addEventListener("focus", () => {
  if (dialog.classList.contains("show") && token() !== tokenThen) goOn();
});
document.addEventListener("signed-in", goOn);
