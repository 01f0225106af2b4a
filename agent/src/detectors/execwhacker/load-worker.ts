// The thread that loads a config; see load.ts.
import { workerData } from "node:worker_threads";
import { answer } from "../../run/answer.js";
import { type LoadRequest, loadAndPack } from "./load.js";

answer(() => loadAndPack(workerData as LoadRequest));
