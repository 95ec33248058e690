// The CSRF token is read from its cookie at each request: signing in again in another tab changes it. The fields in
// the forms are for browsers without script.

export function token() {
  return document.cookie.match(/(?:^|;\s*)(?:__Host-)?csrf=([^;]+)/)?.[1] ?? "";
}

document.addEventListener("htmx:configRequest", ({ detail }) => {
  // What nobody asked for keeps no session alive.
  if (!detail.triggeringEvent?.isTrusted) detail.headers["X-Background"] = "1";
  if (detail.verb === "get") return;
  // Django prefers the field to the header, so an old field must not go along.
  detail.formData.delete("csrfmiddlewaretoken");
  detail.headers["X-CSRFToken"] = token();
});

document.addEventListener(
  "submit",
  (event) => {
    const field = event.target.elements.csrfmiddlewaretoken;
    if (field && token()) field.value = token();
  },
  true,
);
