// Goes on once every application has been told, or after three seconds; the visible link does the same without script.
"use strict";
(function () {
  var onward = document.getElementById("onward");
  function go() {
    if (onward) {
      location.replace(onward.href);
    }
  }
  window.addEventListener("load", go);
  window.setTimeout(go, 3000);
})();
