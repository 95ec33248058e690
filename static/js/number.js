// The page of one number: when the number has changed, its cells are read anew, but none that is open or being saved.

const changed = new Set();

function isOpen(cell) {
  return cell.matches(".editing, .conflict") || cell.querySelector("[aria-busy=true]") !== null;
}

function readCell(cell) {
  const [, id, name] = /^number-(.+)-([a-z]+)$/.exec(cell.id);
  window.htmx.ajax("GET", `/numbers/${id}/edit/${name}/?cancel=1`, { source: cell, target: cell, swap: "outerHTML" });
}

// A cell that was just saved is as new as can be; an undo or a look at Close may have changed any of them.
document.addEventListener("number-changed", (event) => {
  if (!event.target.closest?.(".set-list td")) changed.add(event.detail.id);
});

document.addEventListener("htmx:afterRequest", () => {
  for (const id of changed) {
    changed.delete(id);
    for (const cell of document.querySelectorAll(`.set-list td[id^="number-${id}-"]:not([hx-get])`)) {
      if (!isOpen(cell)) readCell(cell);
    }
  }
});
