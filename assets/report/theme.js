// The choice of colours: as the system, light or dark. Whoever draws with them listens for "colours".
(() => {
  const KEY = "udi-report-colours";
  const choice = document.getElementById("theme");

  function remembered() {
    try {
      return localStorage.getItem(KEY) ?? "";
    } catch {
      return ""; // a browser may keep nothing for files
    }
  }

  function remember(theme) {
    try {
      localStorage.setItem(KEY, theme);
    } catch {}
  }

  function apply(theme) {
    if (theme === "") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    document.dispatchEvent(new Event("colours"));
  }

  choice.value = remembered();
  apply(choice.value);
  choice.addEventListener("change", () => {
    remember(choice.value);
    apply(choice.value);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(choice.value));
})();
