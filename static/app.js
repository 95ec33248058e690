// The one script of the pages. Each module is one subject and listens on the document, so that whatever htmx swaps
// in works at once. Without script the forms and links work by themselves.
import "./js/csrf.js";
import "./js/dialogs.js";
import "./js/editor.js";
import "./js/focus.js";
import "./js/keys.js";
import "./js/messages.js";
import "./js/player.js";
import "./js/session.js";
import "./js/swap.js";
import "./js/table.js";
import "./js/times.js";
