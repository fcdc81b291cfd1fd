// What a keyboard and a screen reader find: axe over every screen in both themes.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, open, picture, row } from "./browser.mjs";
import { daemon, scratch } from "./programs.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SERIOUS = new Set(["serious", "critical"]);

let place, queue, browser;

before(async () => {
  place = await scratch();
  [queue, browser] = await Promise.all([daemon(place.folder), launch()]);
  const text = Array.from({ length: 30 }, (_, index) => `http://127.0.0.1:9/file-${index}.bin`).join("\n");
  const options = { headers: [], priority: "normal", paused: true };
  const { jobs } = await queue.rpc("job_add", { text, folder: place.folder, options });
  // Nothing listens on the discard port: this one waits for its next try or fails.
  await queue.rpc("job_resume", { ids: [jobs[0].id] });
  await queue.rpc("target_save", { name: "NAS", address: "https://nas.example.org/incoming/" });
});

after(async () => {
  await browser?.close();
  await queue?.stop();
  await place?.remove();
});

const SCREENS = {
  list: async () => undefined,
  details: async (page) => {
    await row(page, "file-3.bin").click();
    await page.keyboard.press("Enter");
  },
  menu: (page) => row(page, "file-3.bin").click({ button: "right" }),
  add: async (page) => {
    await page.keyboard.press("Control+n");
    await page.getByText("More", { exact: true }).click();
  },
  upload: async (page) => {
    await page.keyboard.press("Control+n");
    await page.getByRole("tab", { name: "Uploads" }).click();
  },
  removal: async (page) => {
    await row(page, "file-3.bin").click();
    await page.keyboard.press("Delete");
  },
  settings: (page) => page.getByRole("button", { name: "Settings" }).click(),
  schedule: async (page) => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("tab", { name: "Schedule" }).click();
    await page.getByRole("button", { name: "Add rule" }).click();
    await page.getByText("Mon – Fri").first().waitFor();
  },
  servers: async (page) => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("tab", { name: "Servers" }).click();
    await page.getByPlaceholder("example.org").fill("nas.example.org");
    await page.keyboard.press("Enter");
    await page.getByRole("rowheader", { name: "nas.example.org" }).waitFor();
  },
  start: async (page) => {
    await row(page, "file-3.bin").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Start at…" }).click();
  },
  targets: (page) => page.getByRole("button", { name: "Save an upload target" }).click(),
};

for (const colorScheme of ["light", "dark"]) {
  for (const [name, prepare] of Object.entries(SCREENS)) {
    test(`axe finds no serious violation: ${name}, ${colorScheme}`, async () => {
      // Axe is evaluated as text, which the page's policy would refuse; the policy itself is tried elsewhere.
      const { context, page } = await open(browser, queue.url, { colorScheme, bypassCSP: true });
      await row(page, "file-3.bin").waitFor();
      await prepare(page);
      await picture(page, `axe-${name}-${colorScheme}`);
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run());
      const serious = violations
        .filter(({ impact }) => SERIOUS.has(impact))
        .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html}\n${failureSummary}`).join("\n")}`);
      assert.deepEqual(serious, []);
      await context.close();
    });
  }
}

test("the list is worked by keys alone: arrows, Shift, Ctrl+A, menu, Escape; dialogs give the focus back", async () => {
  const { context, page } = await open(browser, queue.url);
  await page.getByRole("grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await page.waitForFunction(() => document.querySelectorAll('[aria-selected="true"][data-job]').length === 2);
  await page.keyboard.press("Shift+F10");
  await page.getByRole("menu").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("menu").waitFor({ state: "detached" });
  const gridHasFocus = () => page.waitForFunction(() => document.activeElement?.getAttribute("role") === "grid");
  await gridHasFocus();
  await page.keyboard.press("Control+n");
  await page.getByRole("dialog").waitFor();
  for (let press = 0; press < 30; press += 1) await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null));
  await page.keyboard.press("Escape");
  await gridHasFocus();
  await page.keyboard.press("Control+a");
  await page.getByRole("grid").focus();
  await page.keyboard.press("End");
  await page.locator('[aria-selected="true"]', { hasText: "file-29.bin" }).waitFor();
  await context.close();
});
