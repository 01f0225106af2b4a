// Which logs are followed, which agents are silent, and which nodes have no agent that guards them.
import type { ReadCounts } from "./reader.js";

export interface FollowedAgent {
  /** The log: a file's name, or a pod and container. */
  readonly name: string;
  readonly node: string;
  readonly state: "followed" | "silent" | "unreadable";
  /** When its last line was read; null: none yet. */
  readonly lastAt: number | null;
  readonly why?: string;
}

export interface UnguardedNode {
  readonly node: string;
  readonly why: string;
}

export interface Coverage {
  readonly agents: readonly FollowedAgent[];
  /** Null where nobody says which nodes there are. */
  readonly unguarded: readonly UnguardedNode[] | null;
  /** Nodes that should have an agent. */
  readonly nodes: number | null;
  readonly counts: ReadCounts;
}
