// A wrong flag or file of the console's own, with what to do.

export class SettingError extends Error {
  override readonly name = "SettingError";
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
