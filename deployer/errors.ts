// The deployer's errors: one sentence «operation object: cause», and what to try on a line of its own.

/** An error for people. It never holds a banned string: those are named by list and index. */
export class DeployerError extends Error {
  readonly hint: string | undefined;

  constructor(sentence: string, options: { readonly hint?: string | undefined; readonly cause?: unknown } = {}) {
    super(sentence, options.cause === undefined ? {} : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }
}

/** sops could not be run, or ended with an error. */
export class SopsError extends DeployerError {}

/** The generator could not be compiled, threw, or never wrote its list. `place` is `file:line`, when known. */
export class GeneratorError extends DeployerError {}

/** The list that the generator made must not be deployed. */
export class ListError extends DeployerError {}
