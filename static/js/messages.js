// The message line: one permanent live region at the bottom right. The server swaps a message into it out of band;
// `say` writes one from here. It goes after ten seconds unless it is pointed at, focused, or bad news.

import { focusAfterSwap } from "./focus.js";

const STAYS_MS = 10_000;
const line = document.getElementById("message-line");
let timer;
let cameFrom;

/** Say one sentence. `level` is "ok", "warn" or "bad"; the text is shown as text, never as markup. */
export function say(text, level = "ok") {
  const message = document.getElementById("message-shape").content.firstElementChild.cloneNode(true);
  message.classList.add(level);
  for (const icon of message.querySelectorAll(`[class*="if-"]:not(.if-${level})`)) icon.remove();
  message.querySelector(".words").textContent = text;
  line.replaceChildren(message);
}

/** Take the message away; focus that was in it goes back to where it came from. */
function clear() {
  const hadFocus = line.contains(document.activeElement);
  line.replaceChildren();
  if (hadFocus) (cameFrom?.isConnected ? cameFrom : document.getElementById("content")).focus();
}

line.addEventListener("focusin", (event) => {
  if (event.relatedTarget && !line.contains(event.relatedTarget)) cameFrom = event.relatedTarget;
});

// Undo takes itself away, so the focus goes back to the cell that it is about.
document.addEventListener("htmx:beforeSwap", ({ detail: { requestConfig: { elt } } }) => {
  if (line.contains(elt) && elt.dataset.back && line.contains(document.activeElement)) focusAfterSwap(elt.dataset.back);
});

function start() {
  clearTimeout(timer);
  const message = line.querySelector(".message");
  if (!message || message.matches(".bad, .warn") || line.matches(":hover, :focus-within")) return;
  timer = setTimeout(clear, STAYS_MS);
}

new MutationObserver(start).observe(line, { childList: true });
// The focus has gone on only after `focusout`.
for (const turn of ["pointerenter", "pointerleave", "focusin"]) line.addEventListener(turn, start);
line.addEventListener("focusout", () => setTimeout(start));
start();

line.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) clear();
});
line.addEventListener("keydown", (event) => {
  if (event.key === "Escape") clear();
});
