// `deployer explain-string`: where a string of the list comes from, or why it is not there.
import { DeployerError } from "../../errors.js";
import { textOf } from "../../generator/several.js";
import { bytes, commandLine, StringIndex } from "../../generator/string-index.js";
import type { BannedList } from "../../generator/types.js";
import type { Paths } from "../../paths.js";
import { entriesOf, readValues, textOfEntry } from "../../sops/values-file.js";
import { GENERATED_LIST, HAND_LIST, runGenerator } from "../generate/cryptnono_config/run.js";

/**
 * @returns Lines that say list, source and rule of `text`, or of the strings that it holds.
 * @throws DeployerError when no list has it: then it says why it was dropped, if it was a candidate.
 */
export async function explainString(paths: Paths, text: string): Promise<string[]> {
  const values = await readValues(paths.root, paths.values);
  let lines: string[] = [];
  await runGenerator(paths, false, async (list) => {
    lines = explain(text.trim().toLowerCase(), list);
  });
  const byHand = entriesOf(values, HAND_LIST).map(textOfEntry);
  for (const [index, value] of byHand.entries()) {
    if (value.toLowerCase() === text.trim().toLowerCase()) lines.unshift(`${HAND_LIST}[${index}]: written by hand`);
  }
  if (lines.length === 0) {
    throw new DeployerError(`explain the string: neither ${HAND_LIST} nor the generator knows it`);
  }
  return lines;
}

function explain(text: string, { kept, dropped, overridden }: BannedList): string[] {
  const describe = (index: number) => {
    const { mode, source, rule, ...strings } = kept[index]!;
    const override = overridden.find((other) => textOf(other) === textOf(strings));
    return [
      `${GENERATED_LIST}[${index}]: ${JSON.stringify(textOf(strings))}`,
      `  mode: ${mode}`,
      `  rule: ${rule}`,
      `  source: ${source}`,
      ...(override ? [`  override: hits ${override.hits} benign lines and is kept: ${override.because}`] : []),
    ];
  };
  const exact = kept.findIndex((candidate) => textOf(candidate) === text);
  if (exact >= 0) return describe(exact);
  const candidate = dropped.find((candidate) => textOf(candidate) === text);
  const covering = bytes(text).length === 0 ? [] : new StringIndex(kept).banning(commandLine([text]));
  return [
    ...(candidate
      ? [`not in the list: ${candidate.reason}`, `  rule: ${candidate.rule}`, `  source: ${candidate.source}`]
      : []),
    ...(covering.length > 0 ? ["a command line with it is killed by"] : []),
    ...covering.sort((a, b) => a - b).flatMap(describe),
  ];
}
