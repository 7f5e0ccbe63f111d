// Calls a component that jco has made JavaScript of, and prints a line for each call: what it says, or what went wrong.
//
//     node run.mjs MODULES COMPONENT OUT drive
//     node run.mjs MODULES COMPONENT OUT step N...

import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { transpile } from "./transpile.mjs";

const [modules, component, out, what, ...steps] = process.argv.slice(2);

/// One call, in an instance of its own: a module is instantiated once for each address.
async function call(n) {
  const url = pathToFileURL(join(out, "component.js"));
  url.search = `?${n}`;
  const { driver, steps } = await import(url);
  return what === "drive" ? await driver.drive() : await steps.step(n);
}

/// Fails when nothing is left that could go on.
function deadlock() {
  return new Promise((_, reject) => {
    process.once("beforeExit", () => reject(new Error("a deadlock: nothing is left that could go on")));
  });
}

// What nobody waits for any more may fail; whatever was wrong is said by the call, or by one after it.
process.on("unhandledRejection", (error) => console.error(error));

await transpile(modules, component, out);
for (const n of what === "drive" ? [0] : steps.map(Number)) {
  const said = await Promise.race([call(n), deadlock()]).catch((error) => `error: ${error?.message ?? error}`);
  console.log(said.replaceAll("\n", " | "));
}
process.exit();
