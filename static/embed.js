// Signing in from a frame happens in a window of its own. Where the browser keeps the frame's cookies apart from the
// window's, the window asks this page for a secret, and this page asks the server until somebody has signed in there.
import { token } from "./js/csrf.js";

const EVERY_MS = 1_500;
const LASTS_MS = 5 * 60_000;
const LATE = "The sign-in took too long. Begin again.";
const REFUSED = "This account may not sign in here. Ask an ops admin.";

let button;
let opened;
let asking = false;
let timer;
let until = 0;

function post(address) {
  return fetch(address, { method: "POST", headers: { "X-CSRFToken": token() } }).catch(() => new Response(null, { status: 503 }));
}

function tell(words) {
  document.getElementById("hand-over").textContent = words;
}

/** Nothing works in here: another tab does. */
function leadElsewhere(words) {
  tell(words);
  const without = document.getElementById("without-cookie");
  if (!without) return;
  document.getElementById("with-cookie").hidden = true;
  without.hidden = false;
}

document.addEventListener("click", (event) => {
  const clicked = event.target.closest("[data-window]");
  if (!clicked) return;
  event.preventDefault();
  button = clicked;
  opened = window.open(button.dataset.window, "closephones-sign-in", "popup,width=520,height=720");
  if (opened) tell("Sign in in the window that has opened. Afterwards this page goes on by itself.");
  else leadElsewhere("The browser let no window open from here.");
});

// The window says hello, once it is ready. Its address and its origin are ours, or it gets nothing.
window.addEventListener("message", async (event) => {
  if (event.origin !== location.origin || event.source !== opened || event.data !== "hello") return;
  const answer = await post("/embed/offer/");
  if (answer.status !== 200) {
    leadElsewhere(answer.status === 403 ? "" : "closephones could not be reached. Try again in a minute.");
    return;
  }
  event.source.postMessage(await answer.json(), location.origin);
  until = Date.now() + LASTS_MS;
  ask();
});

window.addEventListener("focus", () => {
  if (opened) ask();
});

// One question at a time: the answer that signs in also changes the cookie with which the next one is asked.
async function ask() {
  if (asking) return;
  clearTimeout(timer);
  asking = true;
  const { status } = await post("/embed/claim/");
  asking = false;
  if (status === 200) goOn();
  else if (status === 403 || status === 410) stop(status === 410 ? LATE : REFUSED);
  else if (Date.now() < until) timer = setTimeout(ask, EVERY_MS);
  else if (until) stop(LATE);
}

function stop(words) {
  opened = null;
  until = 0;
  tell(words);
}

function goOn() {
  stop("");
  if (button.dataset.next) location.replace(button.dataset.next);
  else document.dispatchEvent(new Event("signed-in"));
}

// A page of ours always brings the cookie of its forms.
if (!token()) leadElsewhere("");
