// The CSRF token is read from its cookie at each request: signing in again in another tab changes it, and the page
// that is still open here must go on working.

export function token() {
  return document.cookie.match(/(?:^|;\s*)(?:__Host-)?csrf=([^;]+)/)?.[1] ?? "";
}

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token();
});
