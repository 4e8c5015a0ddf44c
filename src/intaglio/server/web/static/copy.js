// Adds a button that copies the text beside it. Without script, or without a clipboard, the text can still be selected.
"use strict";
if (navigator.clipboard) {
  for (const source of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    const word = document.createElement("span");
    word.textContent = "Copy";
    word.setAttribute("aria-live", "polite");
    const what = document.createElement("span");
    what.className = "unseen";
    what.textContent = " " + source.dataset.copy;
    button.append(word, what);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        word.textContent = "Copied";
      } catch {
        word.textContent = "Not copied";
      }
      setTimeout(() => { word.textContent = "Copy"; }, 2000);
    });
    source.after(button);
  }
}
