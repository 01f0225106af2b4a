// The web page, put together.
import type { Server } from "node:http";
import type { Actor } from "../act/actor.js";
import type { AccessRule } from "./access.js";
import type { Assets } from "./assets.js";
import { Live } from "./live.js";
import { actions } from "./pages/actions.js";
import { explain } from "./pages/explain.js";
import { kill } from "./pages/kill.js";
import { kills } from "./pages/kills.js";
import { offenders } from "./pages/offenders.js";
import { overview } from "./pages/overview.js";
import { failurePage, type PageParts } from "./parts.js";
import { createWebServer } from "./server.js";

export interface Shown {
  readonly server: Server;
  readonly live: Live;
}

export function show(
  parts: PageParts,
  access: AccessRule,
  assets: Assets,
  warn: (message: string) => void,
  actor: Actor | null = null,
): Shown {
  const live = new Live();
  const server = createWebServer({
    access,
    assets,
    warn,
    failure: failurePage,
    live: (response) => live.add(response),
    pages: {
      "": (asked) => overview(parts, asked),
      kills: (asked) => (asked.path === "/kills" ? kills(parts, asked) : kill(parts, asked)),
      offenders: (asked) => offenders(parts, asked),
      explain: (asked) => explain(parts, asked),
      actions: (asked) => actions(parts, actor, asked),
    },
  });
  return { server, live };
}
