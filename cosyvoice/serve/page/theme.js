// Runs before the first paint: light or dark as chosen here, else as the system says.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("cosyvoice_theme"); } catch { /* storage is blocked: follow the system */ }
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen || (dark ? "dark" : "light");
})();
