// Makes JavaScript of a component, with jco.

import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/// Writes `component.js` and what belongs to it to the folder `out`, below the folder of `modules`. What the component imports
/// beside WASI comes from `api.mjs`. Nothing is done if the same component was there before.
export async function transpile(modules, component, out) {
  const bytes = await readFile(component);
  const done = join(out, "component.wasm");
  const before = await readFile(done).catch(() => null);
  if (before?.equals(bytes)) {
    return;
  }
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const jco = join(modules, "@bytecodealliance/jco-transpile/dist/index.js");
  const { transpileBytes } = await import(pathToFileURL(jco));
  const { files } = await transpileBytes(bytes, {
    name: "component",
    emitTypescriptDeclarations: false,
    map: { "interop:demo/api": "./api.mjs" },
  });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(out, name), content);
  }
  await copyFile(new URL("api.mjs", import.meta.url), join(out, "api.mjs"));
  await writeFile(join(out, "package.json"), '{ "type": "module" }');
  await writeFile(done, bytes);
}
