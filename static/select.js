// What is selected in the list of numbers, on this page and on others, for as long as the tab is open. Loaded by
// table.js with the first tick; without script the ticks of one page travel with their form.

const KEY = "selected";
const form = document.getElementById("bulk");
const count = document.getElementById("bulk-count");
const chosen = new Set(read().split(" ").filter(Boolean));
let last = null;
let filter = filterOf();

const boxes = () => [...document.querySelectorAll("#numbers input[name=number]")];
const word = new Intl.NumberFormat("en-US");

// A frame may be allowed no storage; then the ticks last as long as this list.
function read() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

function keep(text) {
  try {
    sessionStorage.setItem(KEY, text);
  } catch {
    return;
  }
}

/** Keep what is chosen and say it: how many, and how many of them are not on this page. */
function tell() {
  keep([...chosen].join(" "));
  form.elements.numbers.value = [...chosen].join(" ");
  form.classList.toggle("some", chosen.size > 0);
  const here = boxes();
  const ticked = here.filter((box) => box.checked).length;
  const elsewhere = chosen.size - ticked;
  count.textContent = `${word.format(chosen.size)} selected${elsewhere ? `, ${word.format(elsewhere)} not on this page` : ""}`;
  const page = document.getElementById("select-page");
  if (page) {
    page.checked = here.length > 0 && ticked === here.length;
    page.indeterminate = ticked > 0 && ticked < here.length;
  }
}

/** What the list is filtered by, in one spelling; its pages, order and columns are no filters. */
function filterOf() {
  const asked = new URLSearchParams(document.getElementById("numbers").dataset.query);
  for (const name of ["page", "per_page", "sort", "columns", "view"]) asked.delete(name);
  asked.sort();
  return asked.toString();
}

/** Where the filter has changed under a selection, ask what shall become of it; until then it is kept. */
function ask() {
  document.getElementById("bulk-ask")?.remove();
  if (!chosen.size || filterOf() === filter) return;
  const question = document.createElement("span");
  question.id = "bulk-ask";
  question.setAttribute("role", "status");
  question.append("The filter has changed. Keep the selection?");
  for (const [id, type, words] of [["bulk-keep", "button", "Keep it"], ["bulk-drop", "reset", "Select none"]]) {
    const button = document.createElement("button");
    Object.assign(button, { id, type, className: "btn btn-sm ms-2", textContent: words });
    question.append(button);
  }
  count.after(question);
}

function note(box) {
  if (box.checked) chosen.add(box.value);
  else chosen.delete(box.value);
}

/** Tick what is chosen in the rows that have just come. */
function mark() {
  for (const box of boxes()) box.checked = chosen.has(box.value);
  const { found, query } = document.getElementById("numbers").dataset;
  const all = document.getElementById("bulk-all");
  if (all) {
    all.href = `${form.getAttribute("action")}?query=${encodeURIComponent(query)}`;
    all.textContent = `All ${found} that match`;
  }
  tell();
}

document.addEventListener("change", ({ target }) => {
  if (target.id === "select-page") {
    for (const box of boxes()) {
      box.checked = target.checked;
      note(box);
    }
  } else if (target.matches("#numbers input[name=number]")) {
    note(target);
  } else {
    return;
  }
  tell();
});

// With the shift key a click reaches from the last one to this one.
document.addEventListener("click", ({ target, shiftKey }) => {
  if (!target.matches?.("#numbers input[name=number]")) return;
  const all = boxes();
  const from = all.findIndex((box) => box.value === last);
  last = target.value;
  if (!shiftKey || from < 0) return;
  const to = all.indexOf(target);
  for (const box of all.slice(Math.min(from, to), Math.max(from, to) + 1)) {
    box.checked = target.checked;
    note(box);
  }
});

document.addEventListener("click", ({ target }) => {
  if (target.id !== "bulk-keep") return;
  filter = filterOf();
  ask();
  document.getElementById("bulk-change").focus();
});

form.addEventListener("reset", (event) => {
  event.preventDefault();
  chosen.clear();
  filter = filterOf();
  ask();
  mark();
  document.getElementById("table")?.focus();
});

// The ticks of the page travel with those of the others, in one field.
form.addEventListener("formdata", ({ formData }) => formData.delete("number"));

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target.id === "numbers") {
    if (!chosen.size) filter = filterOf();
    ask();
  }
  if (detail.target.id === "numbers" || detail.target.matches?.("tr[id^=number-]")) mark();
});

// Back from another page, the browser may show ticks that are not chosen any more.
window.addEventListener("pageshow", mark);

// What was ticked before this script was here.
for (const box of boxes()) {
  if (box.checked) chosen.add(box.value);
}
if (document.getElementById("select-page")?.checked) {
  for (const box of boxes()) chosen.add(box.value);
}
last = document.activeElement?.closest?.("#numbers input[name=number]")?.value ?? null;
mark();
