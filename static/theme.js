// Runs before the first paint: where a person has chosen "as the system", the page takes the system's colours
// and follows them. The server writes the other choices into the page itself.
const root = document.documentElement;
if (root.dataset.bsTheme === "auto") {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    root.dataset.bsTheme = dark.matches ? "dark" : "light";
  };
  follow();
  dark.addEventListener("change", follow);
}
