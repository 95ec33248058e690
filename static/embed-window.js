// The window in which somebody signs in for a frame: it asks the frame for the secret, and, once signed in, approves it.

const carry = document.getElementById("carry");

document.getElementById("approve")?.submit();

if (carry && window.opener) {
  window.addEventListener("message", (event) => {
    if (event.origin !== location.origin || event.source !== window.opener) return;
    carry.elements.secret.value = event.data.secret;
    carry.submit();
  });
  window.opener.postMessage("hello", location.origin);
} else if (carry) {
  document.getElementById("waiting").hidden = true;
  document.getElementById("by-itself").hidden = false;
}
