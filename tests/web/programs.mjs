// The real programs, each with folders of its own, on ports that the system chooses.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM = resolve(process.env.ROPEWAY_BIN ?? resolve(import.meta.dirname, "../../target/debug/ropeway"));
/** How long a program may take to say its address. */
const START_MS = 30_000;

/** Between two looks at something that comes about by itself, and until when it must have. */
const LOOK_MS = 50;
const PATIENCE_MS = 30_000;

/** Waits until what is told of in `what` holds; fails with what `seen` says then. */
export async function until(what, holds, seen = () => "") {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not in ${PATIENCE_MS} ms; ${await seen()}`);
    await new Promise((next) => setTimeout(next, LOOK_MS));
  }
}

/** Starts a program and gives the first address it prints. */
async function start(args, env) {
  const child = spawn(PROGRAM, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const errors = [];
  child.stderr.on("data", (chunk) => errors.push(chunk));
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`${args[0]} said no address in ${START_MS} ms`)), START_MS);
    lines.on("line", (line) => {
      const address = /https?:\/\/\S+/.exec(line)?.[0];
      if (address === undefined) return;
      clearTimeout(timer);
      found(new URL(address));
    });
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`${args[0]} ended with ${code}: ${Buffer.concat(errors)}`)));
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  };
  return { url, stop };
}

/** A folder that is gone after the test file. */
export async function scratch() {
  const folder = await mkdtemp(join(tmpdir(), "ropeway-web-"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** The queue without a window. */
export async function daemon(folder) {
  const home = join(folder, "home");
  await mkdir(home, { recursive: true });
  const program = await start(["daemon"], {
    HOME: home,
    ROPEWAY_DATA_DIR: join(folder, "state"),
    ROPEWAY_CONFIG_DIR: join(folder, "config"),
  });
  const token = new URLSearchParams(program.url.hash.slice(1)).get("token");
  /** A call past the page. */
  const rpc = async (call, params = {}) => {
    const response = await fetch(new URL("/rpc", program.url), {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ call, params }),
    });
    const reply = await response.json();
    if (!response.ok) throw new Error(`${call}: ${JSON.stringify(reply)}`);
    return reply;
  };
  return { ...program, token, rpc };
}

/** The tus project's own server, with its uploads in `folder`. */
export async function tus(folder) {
  const script = resolve(import.meta.dirname, "../peers/tus.mjs");
  const child = spawn("node", [script, folder, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return { target: `tus+http://127.0.0.1:${line.split(" ")[1]}/files`, stop };
}

/** A server that shares `root`. */
export function share(root) {
  return start(["serve", "--root", root, "--bind", "127.0.0.1:0"], {});
}
