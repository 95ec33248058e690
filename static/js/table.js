// The list of numbers around its table: what stands outside of the part that is swapped follows it, menus apply what
// was ticked, a row is read anew after a change, and a locked value says why.

import { isChanged } from "./editor.js";
import { focusAfterSwap, putFocusDown } from "./focus.js";
import { say } from "./messages.js";

// How long after an answer, in milliseconds, its swap has come to rest.
const SETTLED_MS = 60;
const changed = new Set();

// ---- What follows the list: the count, the address of the export, the tab that is looked at ----

/** The parameters that make a view, in one spelling. */
function filtersOf(search) {
  const parameters = new URLSearchParams(search);
  for (const name of ["page", "per_page", "sort", "columns"]) parameters.delete(name);
  parameters.sort();
  return parameters;
}

function markTab() {
  const here = filtersOf(location.search);
  for (const tab of document.querySelectorAll("#views a[id^=view-]")) {
    const view = here.get("view");
    const current = view ? tab.id === `view-${view}` : filtersOf(tab.search).toString() === here.toString();
    if (current) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
}

document.addEventListener("htmx:afterSettle", (event) => {
  const { id } = event.detail.target;
  if (id === "views" || id === "numbers") markTab();
  if (id !== "numbers") return;
  const views = document.getElementById("views");
  // A view that was saved has a tab of its own.
  if (event.detail.requestConfig?.elt.matches("#save-view + form")) readAnew(views, views.getAttribute("hx-get"));
  document.getElementById("count").textContent = document.getElementById("numbers").dataset.count;
  for (const file of document.querySelectorAll("#export, #export-xlsx")) file.href = file.dataset.address + location.search;
});

// ---- Menus of filters: ticking several and closing the menu is enough ----

document.addEventListener("change", (event) => {
  const menu = event.target.closest(".dropdown-menu");
  if (menu && event.target.getAttribute("form") === "filters") menu.dataset.changed = "";
});

document.addEventListener("hidden.bs.dropdown", (event) => {
  const menu = event.target.parentElement.querySelector(".dropdown-menu");
  if (!menu || !("changed" in menu.dataset)) return;
  delete menu.dataset.changed;
  document.getElementById("filters").requestSubmit();
});

document.addEventListener("shown.bs.dropdown", (event) => {
  if (event.target.id === "save-view") event.target.parentElement.querySelector("input:not([type=hidden])").focus();
});

// The button in the menu closes it, which applies it, and the focus stays with the chip.
document.addEventListener("click", (event) => {
  const button = event.target.closest(".dropdown-menu button[form=filters]");
  if (!button) return;
  event.preventDefault();
  const toggle = button.closest(".dropdown").querySelector("[data-bs-toggle]");
  toggle.focus();
  window.bootstrap.Dropdown.getOrCreateInstance(toggle).hide();
});

// What was pressed may be gone with the answer: the x of a filter leaves its chip, the last page its table. What is
// looked for stands outside of what is swapped, so it is cleared here.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = event.detail;
  if (elt.matches(".chip-x")) focusAfterSwap(elt.id.slice(0, -"-x".length));
  else if (elt.matches("#next, #previous")) focusAfterSwap("table");
  else if (elt.matches("#columns + form, #save-view + form")) focusAfterSwap(elt.previousElementSibling.id);
  else if (elt.matches("#clear")) {
    document.getElementById("q").value = "";
    focusAfterSwap("q");
  }
});

// ---- What shows a changed number is read anew, but only while it is not being edited: its row in the list, its
// cells on its own page ----

document.addEventListener("number-changed", (event) => changed.add(event.detail.id));

function isOpen(place) {
  return place.matches("td.editing, td.conflict, [aria-busy=true]") || place.querySelector("td.editing, td.conflict, [aria-busy=true]");
}

function readAnew(place, address) {
  window.htmx.ajax("GET", address, { source: place, target: place, swap: "outerHTML" });
}

function readChanged() {
  for (const id of changed) {
    const row = document.getElementById(`number-${id}`);
    if (row && isOpen(row)) continue;
    changed.delete(id);
    if (row) {
      const columns = document.getElementById("numbers").dataset.columns || "number";
      readAnew(row, `/numbers/${id}/row/?columns=${columns}`);
      continue;
    }
    for (const field of ["label", "forwarding", "voicemail", "ringing"]) {
      const cell = document.getElementById(`number-${id}-${field}`);
      if (cell && !isOpen(cell)) readAnew(cell, `/numbers/${id}/edit/${field}/?cancel=1`);
    }
  }
}

document.addEventListener("htmx:afterRequest", () => {
  if (changed.size) setTimeout(readChanged, SETTLED_MS);
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { target, requestConfig } = detail;
  if (requestConfig.elt !== target || !target.matches?.("tr[id^=number-], td[id^=number-]") || !isOpen(target)) return;
  detail.shouldSwap = false;
  if (target.matches("tr")) changed.add(target.id.slice("number-".length));
});

// ---- Another list keeps the cells in which something is not saved; a list without their rows has to wait ----

let kept = [];

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== "numbers" || !detail.shouldSwap) return;
  kept = [...detail.target.querySelectorAll("td.editing, td.conflict")].filter((cell) => {
    const form = cell.querySelector("form.editor");
    return form === null || isChanged(form);
  });
  const lost = kept.find((cell) => !detail.serverResponse.includes(`id="${cell.id}"`));
  if (lost) {
    detail.shouldSwap = false;
    kept = [];
    const number = lost.closest("tr").querySelector("a").textContent;
    say(`What you typed for ${number} is not saved yet. Save or cancel it, then look for others.`, "warn");
  }
  // Taken out before htmx takes the old list apart, a cell goes on working.
  for (const cell of kept) cell.remove();
});

// The old rows go before htmx compares each of their parts with the new ones and takes leave of it, which would take
// most of the time of a search. A focus beside them is put down, and taken up again after the swap: a focus that goes
// with its control makes the browser work out the new list twice. At the window it is decided that there will be a swap.
window.addEventListener("htmx:beforeSwap", ({ detail: { target, shouldSwap } }) => {
  const rows = target.querySelector("tbody");
  const focused = document.activeElement;
  if (target.id !== "numbers" || !shouldSwap || rows?.contains(focused)) return;
  rows?.replaceChildren();
  if (target.contains(focused)) putFocusDown();
});

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "numbers") return;
  for (const cell of kept) document.getElementById(cell.id).replaceWith(cell);
  kept = [];
});

// ---- What a walk over Close has changed while the list was looked at is marked in it ----

let before = null;

/** The cells that can be changed, each with what it shows. */
function shownCells() {
  const cells = document.querySelectorAll("#numbers td[id]:not(.editing, .conflict)");
  return new Map([...cells].map((cell) => [cell.id, cell.textContent + cell.querySelector(".switch")?.ariaChecked]));
}

window.addEventListener("htmx:beforeSwap", ({ detail: { target, requestConfig } }) => {
  before = target.id === "numbers" && requestConfig.elt === target ? shownCells() : null;
}, true);

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== "numbers" || !before) return;
  for (const [id, shown] of shownCells()) {
    if (!before.has(id) || before.get(id) === shown) continue;
    const cell = document.getElementById(id);
    const mark = Object.assign(document.createElement("span"), { className: "tag warn", textContent: "Changed in Close" });
    (cell.querySelector(".fwd") ?? cell).append(mark);
    cell.parentElement.classList.add("needs");
  }
});

// ---- What is selected: its script comes with the first tick, or with what was ticked on another page ----

const bulk = document.getElementById("bulk");

function select(event) {
  if (event && !event.target.closest(".c-sel")) return;
  document.removeEventListener("change", select);
  import(bulk.dataset.script);
}

/** A frame may be allowed no storage; then there is nothing from other pages. */
function hasKept() {
  try {
    return sessionStorage.selected;
  } catch {
    return false;
  }
}

if (bulk && hasKept()) select();
else if (bulk) document.addEventListener("change", select);

// ---- Why a value is locked: a tooltip for pointer and keyboard; Escape takes it away ----

function explain(event) {
  const value = event.target.closest?.("[data-why]");
  if (!value || window.bootstrap.Tooltip.getInstance(value)) return;
  new window.bootstrap.Tooltip(value, { title: value.dataset.why, trigger: "hover focus", container: "body" }).show();
}

document.addEventListener("focusin", explain);
document.addEventListener("pointerover", explain);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const value of document.querySelectorAll("[data-why][aria-describedby]")) {
    window.bootstrap.Tooltip.getInstance(value)?.hide();
  }
});
