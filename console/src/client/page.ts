// What the pages do beyond being read: they stay new, they are drawn on, and they obey the keyboard.
import { keyboard } from "./keyboard.js";
import { drawPlots } from "./plots.js";
import { stayNew } from "./stay-new.js";
import { theme } from "./theme.js";
import { localTimes } from "./times.js";

function dress(): void {
  localTimes();
  drawPlots();
}

theme(drawPlots);
keyboard();
dress();
stayNew(dress);
