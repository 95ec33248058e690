// Greetings are played in place by one audio element, so a second one stops the first. Nothing is loaded before
// somebody asks, and a length is shown only once it is known. Without script the button is a link to the file.
import { say } from "./messages.js";

const audio = Object.assign(new Audio(), { preload: "none" });
let button = null;

function show(icon) {
  const use = button?.querySelector("use");
  use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
}

function stop() {
  audio.pause();
  show("player-play");
  button = null;
}

document.addEventListener("click", async (event) => {
  const pressed = event.target.closest("[data-play]");
  if (!pressed) return;
  event.preventDefault();
  const again = pressed === button;
  stop();
  if (again) return;
  button = pressed;
  audio.src = pressed.href;
  show("player-pause");
  try {
    await audio.play();
  } catch (error) {
    if (error.name === "AbortError") return;
    stop();
    say("This greeting could not be played. The file may be gone, or it is no mp3.", "warn");
  }
});

audio.addEventListener("ended", stop);
audio.addEventListener("loadedmetadata", () => {
  const length = button?.querySelector(".length");
  if (!length || !Number.isFinite(audio.duration)) return;
  const seconds = Math.round(audio.duration);
  length.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
});
