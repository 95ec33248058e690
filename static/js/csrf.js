// The CSRF token is read from its cookie at each request: signing in again in another tab changes it, and the page
// that is still open here must go on working. The fields in the forms are for browsers without script.

export function token() {
  return document.cookie.match(/(?:^|;\s*)(?:__Host-)?csrf=([^;]+)/)?.[1] ?? "";
}

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb === "get") return;
  // Django looks at the field before the header, so an old field must not go along.
  event.detail.formData.delete("csrfmiddlewaretoken");
  event.detail.headers["X-CSRFToken"] = token();
});

document.addEventListener(
  "submit",
  (event) => {
    const field = event.target.elements.csrfmiddlewaretoken;
    if (field && token()) field.value = token();
  },
  true,
);
