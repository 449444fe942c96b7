"use strict";
(() => {
  const filters = document.getElementById("filters");
  if (!filters) return;
  const form = filters.querySelector("form");
  const count = filters.querySelector("output");
  const reset = filters.querySelector("button");
  const none = document.getElementById("none");
  const findings = [...document.querySelectorAll(".finding")];
  const files = [...document.querySelectorAll(".file")];
  const texts = new Map(findings.map((finding) => [finding, finding.textContent.toLowerCase()]));

  const apply = () => {
    const data = new FormData(form);
    const severities = data.getAll("severity");
    const words = data.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const finding of findings) {
      const fits = severities.includes(finding.dataset.severity)
        && ["rule", "environment", "object"].every((key) => !data.get(key) || data.get(key) === finding.dataset[key])
        && words.every((word) => texts.get(finding).includes(word));
      finding.hidden = !fits;
      shown += fits;
    }
    for (const file of files) file.hidden = !file.querySelector(".finding:not([hidden])");
    none.hidden = shown > 0;
    reset.disabled = shown === findings.length;
    count.value = `${shown} of ${findings.length}`;
  };

  // A link into a finding that is filtered away shows everything again.
  const follow = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.closest("[hidden]")) {
      form.reset();
      apply();
      target.scrollIntoView();
    }
  };

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  addEventListener("hashchange", follow);
  if (matchMedia("(max-width: 820px)").matches) filters.open = false;
  filters.hidden = false;
  document.querySelector(".columns").classList.remove("bare");
  apply();
  follow();
})();
