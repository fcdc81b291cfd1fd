// Nothing is cut, whatever the window's width and the language: every control lies whole where it can be reached.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, picture, row } from "./browser.mjs";
import { daemon, scratch } from "./programs.mjs";

/** A telephone's is the narrowest, where every language is tried; German has the longest words. */
const WINDOWS = [
  [390, ["en", "de", "ar", "zh"]],
  [800, ["de"]],
  [1280, ["de"]],
];

let place, queue, browser;

before(async () => {
  place = await scratch();
  [queue, browser] = await Promise.all([daemon(place.folder), launch()]);
  const { settings } = await queue.rpc("snapshot");
  const rule = { days: [1, 2], from_minute: 60, to_minute: 120, pause: false, download_limit: 4096, upload_limit: null };
  const servers = [{ host: "one.example.org", connections: 3, running_jobs: null, limit: null }];
  await queue.rpc("settings_set", { ...settings, schedule: [rule, { ...rule, pause: true }], servers, download_folder: place.folder });
  const options = { headers: [], priority: "normal", paused: true };
  const name = "a-name-that-is-longer-than-most-columns-are-wide-2026-11-30.tar.zst";
  await queue.rpc("job_add", { text: `http://127.0.0.1:9/${name}\nhttp://127.0.0.1:9/waits.bin`, options });
  const { jobs } = await queue.rpc("snapshot");
  await queue.rpc("job_resume", { ids: [jobs[1].id] });
  await queue.rpc("target_save", { name: "NAS", address: "https://nas.example.org/a/long/path/to/incoming/files/" });
});

after(async () => {
  await browser?.close();
  await queue?.stop();
  await place?.remove();
});

const dialogTab = (place) => async (page) => {
  await page.locator("[data-screen=sidebar] button").last().click();
  await page.locator("[data-screen=dialog-settings] [role=tab]").nth(place).click();
};

/** By what no language changes. */
const SCREENS = {
  list: async () => undefined,
  details: async (page) => {
    await row(page, "waits.bin").click();
    await page.keyboard.press("Alt+Enter");
    await page.locator("[data-screen=need-strip]").waitFor();
  },
  menu: (page) => row(page, "waits.bin").click({ button: "right" }),
  limits: (page) => page.locator("[data-screen=toolbar] > button[aria-haspopup]").click(),
  add: async (page) => {
    await page.keyboard.press("Control+n");
    await page.locator("summary").click();
  },
  uploads: async (page) => {
    await page.keyboard.press("Control+n");
    await page.locator("[data-screen=dialog-add] [role=tab]").nth(1).click();
  },
  start: async (page) => {
    await row(page, "a-name").click({ button: "right" });
    await page.locator("[data-screen=menu-job] [role=menuitem]", { has: page.locator("svg") }).filter({ hasText: "…" }).last().click();
    await page.getByRole("dialog").waitFor();
  },
  remove: async (page) => {
    await row(page, "waits.bin").click();
    await page.keyboard.press("Delete");
  },
  general: dialogTab(0),
  transfers: dialogTab(1),
  schedule: dialogTab(2),
  servers: dialogTab(3),
  targets: dialogTab(4),
};

/** Controls that are cut by the window or by what they lie in, and boxes that have more in them than they show. */
function flaws() {
  const CONTROLS = "button, input, select, textarea, summary, a[href]";
  const SLACK = 1;
  const named = (element) => `${element.localName} "${(element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40)}"`;
  const top = document.querySelector("dialog[open]") ?? document.querySelector("[role=menu]") ?? document.body;
  const cut = [];
  for (const element of top.querySelectorAll(CONTROLS)) {
    if (!element.checkVisibility() || element.closest(".unseen")) continue;
    const box = element.getBoundingClientRect();
    let [left, right] = [0, innerWidth];
    for (let around = element.parentElement; around !== null && around !== top.parentElement; around = around.parentElement) {
      if (getComputedStyle(around).overflowX === "visible") continue;
      const { left: from, right: to } = around.getBoundingClientRect();
      [left, right] = [Math.max(left, from), Math.min(right, to)];
    }
    if (box.left < left - SLACK || box.right > right + SLACK) cut.push(`${named(element)} is cut`);
    // A button's words, too, lie within it.
    if (element.localName === "button" && element.scrollWidth > element.clientWidth + SLACK) cut.push(`${named(element)} is too narrow for its words`);
  }
  for (const element of [document.documentElement, ...top.querySelectorAll("*")]) {
    const { overflowX } = getComputedStyle(element);
    const scrolls = element === document.documentElement || overflowX === "auto" || overflowX === "scroll";
    if (scrolls && element.scrollWidth > element.clientWidth + SLACK) cut.push(`${element.localName}.${element.className} is wider than its room`);
  }
  return cut;
}

for (const [width, languages] of WINDOWS) {
  test(`no control is cut in a window ${width} pixels wide, in ${languages.join(", ")}`, async () => {
    const found = [];
    for (const language of languages) {
      const { page, context } = await open(browser, queue.url, { viewport: { width, height: 860 }, locale: language });
      for (const [name, prepare] of Object.entries(SCREENS)) {
        await page.reload();
        await row(page, "waits.bin").waitFor();
        await prepare(page);
        for (const flaw of await page.evaluate(flaws)) found.push(`${name}, ${language}: ${flaw}`);
        if (language === "de") await picture(page, `layout-${name}-${width}`);
      }
      await context.close();
    }
    assert.deepEqual(found, []);
  });
}
