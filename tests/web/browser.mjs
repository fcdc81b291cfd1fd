// Debian's Chromium on the daemon's page.
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { chromium } from "playwright-core";

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

/** A page with the daemon's window; every error it reports is gathered in `problems`. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, locale: "en", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.goto(url.href);
  await page.getByRole("toolbar").waitFor();
  return { context, page, problems };
}

export const row = (page, name) => page.locator("[data-job]", { hasText: name });

/** Waits until the row of `name` is in one of these phases. */
export const inPhase = (page, name, phase, timeout = 30_000) =>
  row(page, name).and(page.locator(`[data-phase="${phase}"]`)).waitFor({ timeout });

export async function picture(page, name) {
  await mkdir(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: resolve(ARTEFACTS, `${name}.png`) });
}
