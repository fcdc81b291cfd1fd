// Ten thousand jobs in the real queue: the list stays as quick as it was promised to be.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, picture, row } from "./browser.mjs";
import { daemon, scratch } from "./programs.mjs";
import { paceOf } from "../../ui/budget/pace.mjs";

const ROWS = 10_000;
const FRAME_MS = 16;
/** Figures scatter; the budget itself is measured by `npm run budget`. */
const TOLERANCE = 2;

let place, queue, browser;

before(async () => {
  place = await scratch();
  [queue, browser] = await Promise.all([daemon(place.folder), launch()]);
  const text = Array.from({ length: ROWS }, (_, index) => `http://127.0.0.1:9/set/file-${index}.bin`).join("\n");
  const added = await queue.rpc("job_add", {
    text,
    folder: place.folder,
    options: { headers: [], priority: "normal", paused: true },
  });
  assert.deepEqual([added.jobs.length, added.refused.length], [ROWS, 0]);
});

after(async () => {
  await browser?.close();
  await queue?.stop();
  await place?.remove();
});

test("10,000 jobs scroll within the budget, with only the rows in sight in the page", async (context) => {
  const { page } = await open(browser, queue.url, { isMeasured: true });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.setTimeDomain", { timeDomain: "threadTicks" });
  await session.send("Performance.enable");
  const script = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "ScriptDuration").value * 1000;
  };
  await page.locator("[data-job]").first().waitFor();
  assert.equal(await page.getByRole("grid").getAttribute("aria-rowcount"), String(ROWS + 1));
  assert.ok((await page.locator("[data-job]").count()) < 60);

  const pace = await paceOf(page, script);
  const frames = 120;
  const before = await script();
  await page.evaluate(async (count) => {
    const scroller = document.querySelector(".scroller");
    for (let frame = 0; frame < count; frame += 1) {
      scroller.scrollTop += 500;
      await new Promise((next) => requestAnimationFrame(next));
    }
  }, frames);
  const took = await pace.usual(((await script()) - before) / frames);
  context.diagnostic(`script a frame while scrolling: ${took.toFixed(2)} ms (budget ${FRAME_MS} ms)`);
  assert.ok(took <= FRAME_MS * TOLERANCE, `${took} ms`);
  await picture(page, "ten-thousand");
});

test("the last of them is reached with one key and found with the filter", async () => {
  const { page } = await open(browser, queue.url, { isMeasured: true });
  await page.getByRole("grid").focus();
  await page.keyboard.press("End");
  await page.locator('[data-job][aria-selected="true"]').waitFor();
  assert.equal(await page.locator('[data-job][aria-selected="true"]').getAttribute("aria-rowindex"), String(ROWS + 1));
  await page.keyboard.press("Control+f");
  await page.keyboard.type("file-4242.bin");
  await row(page, "file-4242.bin").waitFor();
  assert.equal(await page.locator("[data-job]").count(), 1);
});

test("the list keeps its place when rows are added above what is in sight", async () => {
  const { page } = await open(browser, queue.url, { isMeasured: true });
  // With the newest on top, where new rows come.
  await page.evaluate(() => localStorage.setItem("ropeway.sort", JSON.stringify({ key: "added", isDescending: true })));
  await page.reload();
  await page.locator("[data-job]").first().waitFor();
  await page.evaluate(() => (document.querySelector(".scroller").scrollTop = 36 * 500));
  const seen = () =>
    page.evaluate(() => {
      const { left, top } = document.querySelector(".scroller").getBoundingClientRect();
      return document.elementFromPoint(left + 100, top + 90).closest("[data-job]").dataset.job;
    });
  await page.waitForFunction(() => Number(document.querySelector("[data-job]").getAttribute("aria-rowindex")) > 400);
  const before = await seen();
  await queue.rpc("job_add", {
    text: "http://127.0.0.1:9/new-1.bin\nhttp://127.0.0.1:9/new-2.bin",
    folder: place.folder,
    options: { headers: [], priority: "normal", paused: true },
  });
  await page.waitForFunction((rows) => document.querySelector("[role=grid]").ariaRowCount === String(rows + 3), ROWS);
  assert.equal(await seen(), before);
});
