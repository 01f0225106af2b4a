// Dark or light: as the system has it, or as the reader chose.

const KEY = "theme";

export function theme(changed: () => void): void {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const button = document.querySelector<HTMLButtonElement>("#theme");
  const kept = localStorage.getItem(KEY);
  const isDark = () => (root.dataset["theme"] ?? (system.matches ? "dark" : "light")) === "dark";
  const show = () => {
    if (button !== null) button.textContent = isDark() ? "Light" : "Dark";
    changed();
  };
  if (kept === "dark" || kept === "light") root.dataset["theme"] = kept;
  if (button === null) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset["theme"] = isDark() ? "light" : "dark";
    localStorage.setItem(KEY, root.dataset["theme"]);
    show();
  });
  system.addEventListener("change", show);
  show();
}
