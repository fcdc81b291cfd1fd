// Debian's Chromium on the daemon's page.
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { afterEach } from "node:test";
import { chromium } from "playwright-core";
import { watchControls } from "./controls.mjs";

const PATH = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** How long a page may take for anything but a transfer. */
const PATIENCE_MS = 10_000;
const ARTEFACTS = resolve(import.meta.dirname, "../artefacts/web");

export function launch() {
  // Chromium's own sandbox does not start as root, which is what containers are.
  const flags = process.getuid?.() === 0 ? [...FLAGS, "--no-sandbox"] : FLAGS;
  return chromium.launch({ executablePath: PATH, args: flags });
}

/** What pages have reported since the last test ended. */
let reported = [];

// In the test in which it happens, and whether or not that test looks: an error that nobody reads is a dead button.
afterEach(() => {
  const problems = reported;
  reported = [];
  if (problems.length > 0) throw new Error(`the page reported: ${problems.join("\n")}`);
});

/** A refused call is told by the page itself; that the browser logs its status too is no problem of the page. */
const REFUSED_CALL = /^Failed to load resource: the server responded with a status of 4\d\d .*\/rpc$/;

/**
 * A page with the daemon's window. Every error that it throws or logs fails the test in which that happens, but for
 * those that `allows`. `isMeasured` keeps everything out of the page that costs time.
 */
export async function open(browser, url, { allows, isMeasured = false, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: "en", ...options });
  if (!isMeasured) await watchControls(context);
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const take = (problem) => {
    if (!REFUSED_CALL.test(problem) && !allows?.test(problem)) reported.push(problem);
  };
  page.on("pageerror", (error) => take(String(error.stack ?? error)));
  page.on("console", (message) => message.type() === "error" && take(`${message.text()} ${message.location().url}`));
  await page.goto(url.href);
  await page.getByRole("toolbar").waitFor();
  return { context, page };
}

export const row = (page, name) => page.locator("[data-job]", { hasText: name });

/** Waits until the row of `name` is in one of these phases. */
export const inPhase = (page, name, phase, timeout = 30_000) =>
  row(page, name).and(page.locator(`[data-phase="${phase}"]`)).waitFor({ timeout });

export async function picture(page, name) {
  await mkdir(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: resolve(ARTEFACTS, `${name}.png`) });
}
