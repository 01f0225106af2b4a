// What these tests read of YAML is what helm reads: in every scenario of the chart, and in its own values.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { CHARTS, HELM, parseYaml, parseYamlByHelm, renderText, scenario } from "./helm.js";

const chart = join(CHARTS, "cryptnono");

it("objects and values are read as helm reads them", {
  skip: HELM === undefined && "no helm: run test/cluster/install-tools charts",
}, () => {
  const files = readdirSync(join(chart, "ci"));
  const sources = [...files.map((file) => join(chart, "ci", file)), join(chart, "values.yaml")];
  const rendered = files.map((file) => renderText(scenario(file.replace("-values.yaml", "")), "1.34.0"));
  const documents = [...sources.map((file) => readFileSync(file, "utf8")), ...rendered].join("\n---\n");
  const read = parseYaml(documents).filter((document) => Object.keys(document).length > 0);
  assert.ok(read.length > 50, String(read.length));
  assert.deepEqual(read, parseYamlByHelm(documents));
});
