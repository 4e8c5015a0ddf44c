// Tells the window that framed or opened this page how the sign-in ended; the browser drops it for any other origin.
"use strict";
var place = document.getElementById("web-message");
var listener = window.opener || (window.parent !== window ? window.parent : null);
if (place && listener) {
  var response = {};
  var fields = place.querySelectorAll("input");
  for (var i = 0; i < fields.length; i += 1) {
    var value = fields[i].value;
    response[fields[i].name] = fields[i].name === "expires_in" ? Number(value) : value;
  }
  listener.postMessage({ type: "authorization_response", response: response }, place.getAttribute("data-target"));
}
