// On the page of what was made of a selection in the list of numbers: nothing is selected any more.

if (/\/(plans|absences)\/new\/$/.test(document.referrer)) {
  try {
    sessionStorage.removeItem("selected");
  } catch {
    // A frame that is allowed no storage has kept nothing.
  }
}
