// Provides the interface as functions of the host, for components that were not composed with another.

const PIECE = { count: 65_536 };

/// Such a chunk goes on byte by byte: what is left of one when a component has read from it comes to the component only together
/// with the next, which may be long in coming.
const SMALL = 64;

function capitals(bytes) {
  return bytes.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
}

/// No generator: that would not let its input go while it waits for it.
export async function upper(input) {
  let small = [];
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (small.length === 0) {
        const { value, done } = await input.read(PIECE);
        if (done || value.length > SMALL) {
          return { done, value: value && capitals(value) };
        }
        small = [...capitals(value)];
      }
      return { done: false, value: Uint8Array.of(small.shift()) };
    },
    async return() {
      input[Symbol.dispose]();
      return { done: true };
    },
  };
}

export async function count(input) {
  for (let count = 0n; ; ) {
    const { value, done } = await input.read(PIECE);
    if (done) {
      return count;
    }
    count += BigInt(value.length);
  }
}

/// A promise that is returned is awaited first, as ever in JavaScript. jco makes a future of what comes.
export async function greet(name) {
  return `hello, ${name}`;
}

export async function awaitIt(f) {
  const text = await f;
  if (text.startsWith("no")) {
    throw text;
  }
  return `got ${text}`;
}

export async function items(n) {
  return Array.from({ length: n }, (_, id) => ({ id, name: `item ${id}` }));
}

export class Counter {
  constructor(start) {
    this.sum = start;
  }

  async add(n) {
    await null;
    this.sum += n;
    return this.sum;
  }
}
