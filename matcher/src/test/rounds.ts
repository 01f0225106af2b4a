// How much of what a test tries at random or over and over it tries in this run. Each run draws anew, so that what is covered adds
// up over runs: few rounds are the usual, many are for a long run.

/**
 * @param usual - Rounds of a usual run.
 * @returns As many, times `TEST_ROUNDS` of the environment.
 * @throws Error when that is not a positive whole number.
 */
export function rounds(usual: number, factor: string = process.env["TEST_ROUNDS"] ?? "1"): number {
  if (!/^[1-9][0-9]{0,5}$/.test(factor))
    throw new Error(`TEST_ROUNDS is ${JSON.stringify(factor)}, not a whole number from 1 to 999999`);
  return usual * Number(factor);
}
