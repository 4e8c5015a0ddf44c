// Sends the one form of the page at once; its visible button does the same without script. Old engines read this too.
"use strict";
var form = document.getElementById("form-post");
if (form) {
  form.submit();
}
