// Provides the interface in JavaScript.

async function* upper(input) {
  for await (const chunk of input) {
    yield chunk.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte));
  }
}

function* items(n) {
  for (let id = 0; id < n; id++) {
    yield { id, name: `item ${id}` };
  }
}

class Counter {
  constructor(start) {
    this.sum = start;
  }

  async add(n) {
    await Promise.resolve();
    this.sum += n;
    return this.sum;
  }
}

export const api = {
  async upper(input) {
    return upper(input);
  },

  async count(input) {
    let count = 0;
    for await (const chunk of input) {
      count += chunk.length;
    }
    return count;
  },

  async greet(name) {
    const { readable, writable } = wit.Future(wit.Future.STRING);
    Promise.resolve().then(() => writable.write(`hello, ${name}`));
    return readable;
  },

  async awaitIt(f) {
    const text = await f.read();
    if (text.startsWith("no")) {
      throw text;
    }
    return `got ${text}`;
  },

  async items(n) {
    return items(n);
  },

  Counter,
};
