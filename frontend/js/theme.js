// Before the first paint: the remembered theme, and a mark that scripts run. Without a choice the system's preference holds.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = `liaoyuan-${chosen}`;
  } catch { /* Storage is closed to us: the system's preference it is. */ }
})();
