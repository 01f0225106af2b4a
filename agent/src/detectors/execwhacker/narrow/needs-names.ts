// A list that goes by names, and an agent that was told to look none up.

export class NarrowNeedsNames extends Error {
  override readonly name = "NarrowNeedsNames";
  readonly hint = 'give --lookup-container, and the runtime\'s socket; or the strings "scope": "containers"';

  constructor() {
    super("load the config: a scope by namespaces, pods or labels, and containers are not looked up");
  }
}
