// Writes the dashboard's file: node console/dist/src/monitoring/write-dashboard.js
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dashboard } from "./dashboard.js";

const file = fileURLToPath(new URL("../../../../helm-charts/cryptnono/files/dashboard.json", import.meta.url));
writeFileSync(file, `${JSON.stringify(dashboard().build(), null, 2)}\n`);
