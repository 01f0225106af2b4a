// What an object says of its own border: offsets, sizes and numbers, as the compiler laid them out.
import { createHash } from "node:crypto";

/** Bytes. */
export interface StructLayout {
  readonly size: number;
  readonly offsets: Readonly<Record<string, number>>;
  readonly sizes: Readonly<Record<string, number>>;
}

export interface Layout {
  readonly structs: Readonly<Record<string, StructLayout>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** One number by its C name, wherever it is declared. @throws when there is none: program and object disagree. */
export function constant({ enums }: Layout, name: string): number {
  for (const values of Object.values(enums)) {
    const value = values[name];
    if (value !== undefined) return value;
  }
  throw new Error(`the object has no constant ${name}`);
}

/** @throws when there is none: program and object disagree. */
export function structLayout({ structs }: Layout, name: string): StructLayout {
  const found = structs[name];
  if (found === undefined) throw new Error(`the object has no structure ${name}`);
  return found;
}

/** Twelve letters that stand for the whole border: what was written by another one is not read. */
export function layoutVersion(layout: Layout): string {
  return createHash("sha256").update(JSON.stringify(layout)).digest("hex").slice(0, 12);
}
