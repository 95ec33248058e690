// The editors in the cells. The server sends each cell closed, open or in conflict; this file moves the focus, reads
// Enter, Escape, Tab and F2, and says that a save is under way.

import { focusAfterSwap } from "./focus.js";

const WAITING_MS = 1_000;
const FIELDS = "input:not([type=hidden]), select, textarea";
const REASON = "details input";
const waiting = new Map();

// Tab saved a cell: once it has closed, the next one opens.
let follow = null;

/** Whether something was typed that is not saved. An editor that came back with an answer holds what was typed. */
export function isChanged(form) {
  if ("typed" in form.dataset) return true;
  return [...form.querySelectorAll(FIELDS)].some((field) =>
    field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue,
  );
}

// What is typed and not saved is not left behind without a question: by a link, by closing the tab.
window.addEventListener("beforeunload", (event) => {
  if ([...document.querySelectorAll("form.editor")].some(isChanged)) event.preventDefault();
});

function isBusy(form) {
  return form.getAttribute("aria-busy") === "true";
}

/** Open the field for the reason and go there. */
function askWhy(form) {
  const field = form.querySelector(REASON);
  field.closest("details").open = true;
  field.focus();
}

/** Save what was changed, or close, and then open the next cell that can be changed and is seen. */
function goOn(form) {
  const cell = form.closest("td");
  const cells = [...document.querySelectorAll("td[id] .cell-edit")].filter((button) => button.offsetParent !== null);
  const next = cells.find(
    (button) => cell.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING && !button.id.includes("-press-1-"),
  );
  follow = { cell: cell.id, button: next?.id };
  if (isChanged(form)) form.requestSubmit();
  else form.querySelector("[data-cancel]").click();
}

document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.key === "F2" && target.matches(".cell-edit")) {
    event.preventDefault();
    target.click();
    return;
  }
  const row = target.closest("tr.editing");
  if (event.key === "Escape" && row) {
    row.querySelector("[data-cancel]").click();
    focusAfterSwap(row.id);
    return;
  }
  const open = target.closest("form.editor, td.conflict [role=group]");
  if (!open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    event.preventDefault();
    if (isBusy(open)) return;
    follow = null;
    open.querySelector("[data-cancel]").click();
  } else if (event.key === "Enter" && event.shiftKey && target.matches(FIELDS) && !target.matches(REASON)) {
    event.preventDefault();
    if (!isBusy(open)) askWhy(open);
  } else if (event.key === "Tab" && !event.shiftKey && target.matches(FIELDS)) {
    event.preventDefault();
    if (isBusy(open)) return;
    // What stands in a closed part of the form is passed over.
    const fields = [...open.querySelectorAll(FIELDS)].filter((field) => field.checkVisibility());
    const next = fields[fields.indexOf(target) + 1];
    if (next) next.focus();
    else goOn(open);
  }
});

// While a save is under way the fields keep the focus and cannot be typed in; after a second the wait has a reason.
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.detail.elt;
  // A row is not read anew while one of its cells is about to change.
  if (form.matches("form, button, a")) form.closest("td")?.setAttribute("aria-busy", "true");
  if (!form.matches("td form")) return;
  form.setAttribute("aria-busy", "true");
  for (const field of form.querySelectorAll(FIELDS)) field.readOnly = true;
  if (form.matches(".editor") && !document.activeElement.matches(FIELDS)) form.querySelector(FIELDS).focus();
  let line = form.querySelector("[data-waiting]");
  if (!line) {
    line = Object.assign(document.createElement("span"), { className: "sub", textContent: "Saving" });
    line.setAttribute("role", "status");
    form.after(line);
  }
  const timer = setTimeout(() => (line.textContent = "Still waiting for Close"), WAITING_MS);
  waiting.set(form, { timer, line });
});

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  form.closest("td")?.removeAttribute("aria-busy");
  if (!waiting.has(form)) return;
  const { timer, line } = waiting.get(form);
  waiting.delete(form);
  clearTimeout(timer);
  if (line.matches("[data-waiting]")) line.textContent = "";
  else line.remove();
  form.removeAttribute("aria-busy");
  for (const field of form.querySelectorAll(FIELDS)) field.readOnly = false;
});

document.addEventListener("click", (event) => {
  const summary = event.target.closest("form.editor summary");
  if (!summary || summary.parentElement.open) return;
  event.preventDefault();
  askWhy(summary.closest("form"));
});

// A checkbox knows no readOnly.
document.addEventListener("click", (event) => {
  if (event.target.matches("form[aria-busy=true] [type=checkbox]")) event.preventDefault();
});

// Where the focus goes once a cell has been swapped: into its editor, on its conflict, back on its button, or on to
// the next cell. Whoever types in another place meanwhile is not called away.
document.addEventListener("htmx:afterSwap", (event) => {
  const cell = document.getElementById(event.detail.target.id);
  if (!cell?.matches("td")) return;
  const { activeElement } = document;
  const elsewhere = activeElement.matches(FIELDS) && !cell.contains(activeElement);
  const form = cell.querySelector("form.editor");
  const group = cell.querySelector("[role=group][tabindex]");
  const following = follow?.cell === cell.id ? follow.button : null;
  if (follow?.cell === cell.id) follow = null;
  if (elsewhere) return;
  if (form) {
    const field = form.querySelector("[aria-invalid=true]") ?? form.querySelector("[autofocus], [data-focus]") ?? form.querySelector(FIELDS);
    field.focus();
    if (!("typed" in form.dataset)) field.select();
  } else if (group) {
    group.focus();
  } else if (following) {
    const button = document.getElementById(following);
    button?.focus();
    button?.click();
  } else if (activeElement === document.body) {
    (cell.querySelector(".cell-edit") ?? cell.querySelector(".ro, a, button"))?.focus();
  }
});
