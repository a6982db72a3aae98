// A list of suggestions under an input: arrows move, Enter takes, Escape closes. Everything else is the server's.
(() => {
  const options = (box) => [...document.querySelectorAll(`#${box.getAttribute("aria-controls")} [role=option]`)];

  function mark(box, all, at) {
    all.forEach((one, k) => one.setAttribute("aria-selected", k === at ? "true" : "false"));
    if (at >= 0) {
      box.setAttribute("aria-activedescendant", all[at].id);
      all[at].scrollIntoView({ block: "nearest" });
    } else {
      box.removeAttribute("aria-activedescendant");
    }
  }

  document.addEventListener("keydown", (event) => {
    const box = event.target.closest?.("[role=combobox]");
    if (event.key === "/" && !box && !event.target.closest("input, textarea, select, [contenteditable]")) {
      const first = document.querySelector("[role=combobox]");
      if (first) { event.preventDefault(); first.focus(); }
      return;
    }
    if (!box) return;
    const all = options(box);
    const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" && all.length) { event.preventDefault(); mark(box, all, (at + 1) % all.length); }
    else if (event.key === "ArrowUp" && all.length) { event.preventDefault(); mark(box, all, (at - 1 + all.length) % all.length); }
    else if (event.key === "Enter" && at >= 0) { event.preventDefault(); event.stopPropagation(); all[at].click(); }
    else if (event.key === "Escape") { box.dispatchEvent(new CustomEvent("dismiss")); }
  }, true);
})();
