// kubernetes-schemas.mjs SWAGGER_JSON OUT_DIR: writes Kubernetes' own API description as one strict JSON schema per kind,
// under the names kubeconform asks for. Strict: an unknown key is an error.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [swaggerFile, outDir] = process.argv.slice(2);
const { definitions } = JSON.parse(readFileSync(swaggerFile, "utf8"));

for (const schema of Object.values(definitions)) tighten(schema);
mkdirSync(outDir, { recursive: true });
for (const [name, schema] of Object.entries(definitions)) {
  for (const { group, version, kind } of schema["x-kubernetes-group-version-kind"] ?? []) {
    // Of a group such as rbac.authorization.k8s.io, kubeconform's KindSuffix has the first part alone.
    const suffix = [group.split(".")[0], version].filter((part) => part !== "").join("-");
    const file = join(outDir, `${kind.toLowerCase()}-${suffix}.json`);
    writeFileSync(file, JSON.stringify({ $ref: `#/definitions/${name}`, definitions: reachable(name) }));
  }
}

function tighten(schema) {
  if (schema.format === "int-or-string") {
    delete schema.format;
    schema.type = ["string", "integer"];
  }
  if (schema.properties !== undefined) {
    schema.additionalProperties ??= false;
    for (const property of Object.values(schema.properties)) tighten(property);
  }
  if (schema.items !== undefined) tighten(schema.items);
  if (typeof schema.additionalProperties === "object") tighten(schema.additionalProperties);
}

function reachable(first) {
  const found = {};
  const open = [first];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (name in found) continue;
    found[name] = definitions[name];
    for (const [, next] of JSON.stringify(definitions[name]).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)) open.push(next);
  }
  return found;
}
