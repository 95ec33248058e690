// Single keys: search, rows, editors, undo, the list of keys. Off while somebody types, while a dialog is open, and
// for whoever has switched them off in the settings (then the body has no data-letter-keys).
import { say } from "./messages.js";

const TYPING = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";
let lastUndo = null;

const rows = () => [...document.querySelectorAll("#numbers tbody tr")];

/** The row that has the focus, or had it last. */
function currentRow() {
  return document.activeElement.closest("#numbers tbody tr") ?? document.querySelector("#numbers tr.at");
}

function moveTo(row) {
  if (!row) return;
  document.querySelector("#numbers tr.at")?.classList.remove("at");
  row.classList.add("at");
  row.querySelector("a").focus();
  row.scrollIntoView({ block: "nearest" });
}

/** On to the next row; on the page of one number, to the next number of its list. */
function step(by) {
  const all = rows();
  if (!all.length) document.getElementById(by > 0 ? "next-number" : "previous-number")?.click();
  const at = all.indexOf(currentRow());
  moveTo(at < 0 ? all[0] : all[Math.min(Math.max(at + by, 0), all.length - 1)]);
}

/** Open an editor: of the current row in the list, of the one number on its page. */
function open(field) {
  const place = rows().length ? (currentRow() ?? rows()[0]) : document;
  place.querySelector(`[id^=number-][id$="-${field}-edit"]`)?.click();
}

function undo() {
  const button = document.getElementById("message-undo");
  if (button) button.click();
  else if (lastUndo) window.htmx.ajax("POST", lastUndo, { source: document.body, swap: "none" });
  else say("Nothing was saved on this page so far. The page “Changes” takes back older changes.");
}

const KEYS = {
  "/": () => document.querySelector("#q, [data-search]")?.select(),
  j: () => step(1),
  k: () => step(-1),
  e: () => open("label"),
  f: () => open("forwarding"),
  g: () => open("voicemail"),
  u: undo,
  x: () => currentRow()?.querySelector("[name=number]")?.click(),
  "?": () => window.bootstrap.Modal.getOrCreateInstance(document.getElementById("keys")).show(),
};

document.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!("letterKeys" in document.body.dataset) || event.target.matches(TYPING)) return;
  if (document.querySelector(".modal.show, .dropdown-menu.show")) return;
  event.preventDefault();
  act();
});

// Not a single letter, so it works while somebody types, and for everybody.
document.addEventListener("keydown", (event) => {
  if (event.key !== "k" || !(event.ctrlKey || event.metaKey) || document.querySelector(".modal.show")) return;
  event.preventDefault();
  document.getElementById("jump")?.click();
});

// "u" takes back what was saved last, also after its message has gone.
document.addEventListener("htmx:afterSettle", () => {
  lastUndo = document.getElementById("message-undo")?.form.getAttribute("action") ?? lastUndo;
});
