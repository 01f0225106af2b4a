// One map of a sensor, by its name. Numbers are written and read in the host's byte order, which is little-endian wherever Node
// and eBPF both run.
import { call, type Handle, type MapShape } from "./addon.js";

/** A number fills the whole key or value; what has a structure is given as its bytes. */
export type MapBytes = number | bigint | Uint8Array;

export interface MapEntry {
  readonly key: Uint8Array;
  /** On a per-CPU map all CPUs' values, each rounded up to 8 bytes. */
  readonly value: Uint8Array;
}

/** Hash, LRU, array and trie maps, per CPU or not. Every method throws NativeError when the kernel refuses. */
export class SensorMap {
  readonly name: string;
  readonly #handle: Handle;
  readonly #shape: MapShape;

  constructor(handle: Handle, name: string) {
    this.#handle = handle;
    this.name = name;
    this.#shape = call((addon) => addon.mapShape(handle, name));
  }

  /** The kernel's own number: two names of one map have the same. */
  get id(): number {
    return this.#shape.id;
  }

  get maxEntries(): number {
    return this.#shape.maxEntries;
  }

  /** @returns null when there is no such key. */
  get(key: MapBytes): Uint8Array | null {
    const bytes = toBytes(key, this.#shape.keySize);
    return call((addon) => addon.mapGet(this.#handle, this.name, bytes));
  }

  /** A value that is one number; summed over CPUs. 0 when there is no such key. */
  sum(key: MapBytes): bigint {
    const value = this.get(key);
    return value === null ? 0n : sumOf(value, this.#shape);
  }

  /** The sums of all of an array's values. */
  sums(): bigint[] {
    return this.entries().map(({ value }) => sumOf(value, this.#shape));
  }

  /** On a per-CPU map a number is the first CPU's, and 0 all others'. */
  set(key: MapBytes, value: MapBytes): void {
    const { keySize, valueSize, cpus } = this.#shape;
    const bytes = toBytes(value, cpus === 1 ? valueSize : roundUp(valueSize) * cpus);
    call((addon) => addon.mapSet(this.#handle, this.name, toBytes(key, keySize), bytes));
  }

  /** @returns whether it was there. */
  delete(key: MapBytes): boolean {
    const bytes = toBytes(key, this.#shape.keySize);
    return call((addon) => addon.mapDelete(this.#handle, this.name, bytes));
  }

  keys(): Uint8Array[] {
    return this.entries().map(({ key }) => key);
  }

  /** All entries. Where others write meanwhile, some may be missing or come twice. */
  entries(): MapEntry[] {
    const { keySize, valueSize, cpus } = this.#shape;
    const valueBytes = cpus === 1 ? valueSize : roundUp(valueSize) * cpus;
    const [keys, values] = call((addon) => addon.mapEntries(this.#handle, this.name));
    return Array.from({ length: keys.length / keySize }, (_, i) => ({
      key: keys.subarray(i * keySize, (i + 1) * keySize),
      value: values.subarray(i * valueBytes, (i + 1) * valueBytes),
    }));
  }
}

function sumOf(value: Uint8Array, { valueSize, cpus }: MapShape): bigint {
  const step = cpus === 1 ? valueSize : roundUp(valueSize);
  let sum = 0n;
  for (let cpu = 0; cpu < cpus; cpu++) sum += numberAt(value, cpu * step, valueSize);
  return sum;
}

function numberAt(bytes: Uint8Array, at: number, size: number): bigint {
  let number = 0n;
  for (let i = size - 1; i >= 0; i--) number = (number << 8n) | BigInt(bytes[at + i]!);
  return number;
}

function toBytes(value: MapBytes, size: number): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const bytes = new Uint8Array(size);
  let rest = BigInt(value);
  for (let i = 0; i < size; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/** Each CPU's value begins at a multiple of 8 bytes. */
function roundUp(size: number): number {
  return Math.ceil(size / 8) * 8;
}
