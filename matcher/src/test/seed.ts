// What a run draws its random cases from.

/**
 * Another number each time; `TEST_SEED` of the environment to repeat a run. Tell it with the test: whoever reads of a failure needs it.
 *
 * @throws Error when that is not a whole number of 32 bits.
 */
export function seedOfRun(given: string | undefined = process.env["TEST_SEED"]): number {
  if (given === undefined) return Math.floor(Math.random() * 2 ** 32);
  if (!/^\d{1,10}$/.test(given) || Number(given) >= 2 ** 32)
    throw new Error(`TEST_SEED is ${JSON.stringify(given)}, not a whole number below 2^32`);
  return Number(given);
}
