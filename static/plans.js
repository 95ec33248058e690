// The page of one plan, beside app.js: where the focus goes when a row is gone, and no swap under a finger.

let next = null;
let pressed = false;

/** The buttons of the rows that stay in the plan, in their order. */
const buttons = () => [...document.querySelectorAll("#plan-rows button[name=leave], #plan-rows button[name=mine]")];

document.addEventListener("htmx:beforeRequest", (event) => {
  const row = event.detail.elt.closest?.("#plan-rows tbody tr");
  if (!row || !event.detail.elt.matches("button")) return;
  const after = buttons().filter((button) => button.closest("tr") !== row);
  const following = after.find((button) => row.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING);
  next = (following ?? after.at(-1))?.id ?? "plan-approve";
});

document.addEventListener("htmx:afterSettle", () => {
  if (next === null) return;
  document.getElementById(next)?.focus();
  next = null;
});

// The progress is swapped every two seconds. Whoever is about to press a button presses that one.
for (const [turn, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  document.addEventListener(turn, () => (pressed = down), true);
}

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (pressed && detail.target.id === "plan" && detail.requestConfig.verb === "get") detail.shouldSwap = false;
});
