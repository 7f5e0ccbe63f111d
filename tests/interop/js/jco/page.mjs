// Calls `drive` of a component in a browser, and prints what it says: serves a page on the loopback device, opens it, and waits
// for what the page sends back. A browser that does not even ask for the page is `missing`.
//
//     node page.mjs MODULES COMPONENT OUT BROWSER

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";

import { transpile } from "./transpile.mjs";

const [modules, component, out, browser] = process.argv.slice(2);

/// An end to what hangs, in seconds.
const PATIENCE = 120;

const PAGE = `<!doctype html>
<title>interop</title>
<script type="importmap">
  { "imports": { "@bytecodealliance/preview2-shim/": "/modules/@bytecodealliance/preview2-shim/dist/browser/" } }
</script>
<script type="module">
  let said;
  try {
    const { driver } = await import("/component/component.js");
    said = await driver.drive();
  } catch (error) {
    said = "error: " + error;
  }
  await fetch("/said", { method: "POST", body: said });
</script>
`;

/// Whether the browser has asked for anything.
let isThere = false;

const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };

/// The file that an address is for.
function file(path) {
  const [, folder, ...rest] = normalize(path).split("/");
  const root = { component: out, modules }[folder];
  const name = root && join(root, ...rest);
  // The map of imports leaves the extension out.
  return name && (extname(name) ? name : `${name}.js`);
}

async function answer(request, response, heard) {
  isThere = true;
  const path = new URL(request.url, "http://localhost").pathname;
  if (request.method === "POST") {
    const chunks = await Array.fromAsync(request);
    response.end();
    heard(Buffer.concat(chunks).toString());
    return;
  }
  if (path === "/") {
    response.setHeader("content-type", "text/html").end(PAGE);
    return;
  }
  const name = file(path);
  const content = name && (await readFile(name).catch(() => null));
  if (!content) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader("content-type", TYPES[extname(name)] ?? "application/octet-stream").end(content);
}

/// Opens an address in the browser, which has a profile of its own. `failed` is told when it ends by itself.
function open(address, profile, failed) {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"];
  const modest = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  const flags = [...modest, ...quiet, `--user-data-dir=${profile}`];
  const running = spawn(browser, [...flags, address], { detached: true, stdio: "ignore" });
  running.on("error", failed);
  running.on("exit", (code) => failed(new Error(`the browser ended with ${code}`)));
  return running;
}

/// Ends a browser, and the processes that it has started.
async function close(running) {
  const ended = once(running, "exit");
  process.kill(-running.pid, "SIGKILL");
  await ended;
}

await transpile(modules, component, out);
const { promise: said, resolve: heard, reject: failed } = Promise.withResolvers();
const server = createServer((request, response) => void answer(request, response, heard).catch(failed));
server.listen(0, "127.0.0.1");
await once(server, "listening");
const profile = await mkdtemp(join(tmpdir(), "interop-browser-"));
const running = open(`http://127.0.0.1:${server.address().port}/`, profile, failed);
setTimeout(() => failed(new Error(`the page has said nothing for ${PATIENCE} s`)), PATIENCE * 1000);
console.log(await said.catch((error) => `${isThere ? "error" : "missing"}: ${error.message}`));
if (running.pid && running.exitCode === null) {
  await close(running);
}
await rm(profile, { recursive: true, force: true, maxRetries: 5 });
process.exit();
