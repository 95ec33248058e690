// What happens to an answer. Only our own fragments (header X-Fragment) may land in the page: a gateway's error page
// never ends up in a cell. Everything else becomes a sentence on the message line.
import { focusAfterSwap } from "./focus.js";
import { say } from "./messages.js";
import { askToSignIn } from "./session.js";

const SWAPPED_ERRORS = new Set([403, 404, 409, 422, 429, 502, 503]);

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const ours = xhr.getResponseHeader("X-Fragment") === "1";
  if (ours && SWAPPED_ERRORS.has(xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  } else if (xhr.status === 401) {
    event.detail.isError = false;
    askToSignIn(xhr.getResponseHeader("X-Sign-In"));
  } else if (xhr.status >= 400) {
    event.detail.shouldSwap = false;
    say(sentenceFor(xhr), "bad");
    leave(xhr.status, event.detail.requestConfig.elt);
  }
  if (ours) sendCellHome(event.detail);
});

document.addEventListener("htmx:sendError", () => {
  say("closephones could not be reached. Nothing was saved, and what you typed is still here.", "bad");
});
document.addEventListener("htmx:timeout", () => {
  say("closephones did not answer in time. Look at the number again before you save once more.", "bad");
});

/** An editor of a number that is gone has nothing to close into: its row goes, so that it is in nobody's way. */
function leave(status, elt) {
  if (status !== 404 || !elt.matches("[data-cancel]")) return;
  elt.closest("#numbers tr")?.remove();
  document.getElementById("content").focus();
}

/** The server's own sentence where it wrote one (header X-Message), else what the status means. */
function sentenceFor(xhr) {
  if (xhr.getResponseHeader("X-Message") === "1") return xhr.responseText;
  if (xhr.status === 404) return "There is nothing here any more. Reload the page to see what is.";
  if (xhr.status === 429) return "Too many requests at once. Wait a minute, then try again.";
  if (xhr.status >= 500) return "Something failed here. Whether it was saved stands on the page “Changes”.";
  return "This was not accepted, and nothing was saved. Reload the page and try again.";
}

// An answer that is a cell goes to the cell of that id, whatever asked for it: an undo in the message line changes
// its cell in the table. Where the page does not show that cell, only the parts out of band are taken.
function sendCellHome(detail) {
  const id = /^\s*<td[^>]*\sid="([\w-]+)"/.exec(detail.serverResponse)?.[1];
  if (!id || detail.target.id === id) return;
  const cell = document.getElementById(id);
  if (cell) detail.target = cell;
  detail.swapOverride = cell ? "outerHTML" : "none";
  focusAfterSwap(id);
}
