// Measures the page against its budgets in a real browser and fails when one is broken: `npm run budget`.
//
// Times are the main thread's own (its CPU time), told as they would be on the machine of the budgets (pace.mjs). Still,
// figures scatter, so a budget is broken only beyond TOLERANCE times its value. FIGURES=file keeps them as JSON.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { launch } from "./browser.mjs";
import { paceOf } from "./pace.mjs";
import { serve } from "./serve.mjs";

const TOLERANCE = 2;
const ROWS = 10_000;
const figures = [];

function report(what, value, budget, unit) {
  const isBroken = value > budget * TOLERANCE;
  figures.push({ what, value: Math.round(value * 100) / 100, budget, unit, isBroken });
}

async function bundle() {
  const folder = resolve("dist/assets");
  let bytes = gzipSync(await readFile("dist/index.html")).length;
  for (const name of await readdir(folder)) bytes += gzipSync(await readFile(resolve(folder, name))).length;
  report("bundle, all languages, gzipped", bytes / 1000, 150, "kB");
  const names = await readdir(folder);
  const text = (await Promise.all(names.map((name) => readFile(resolve(folder, name), "utf8")))).join("");
  if (text.includes("ubuntu-26.04-desktop")) throw new Error("the mock is in the shipped bundle");
}

/** Milliseconds of script, and of everything, that the page's main thread has spent so far. */
async function spent(session) {
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name) => metrics.find((metric) => metric.name === name).value * 1000;
  return { script: of("ScriptDuration"), all: of("TaskDuration") };
}

async function open(browser, url, query) {
  const page = await browser.newPage({ viewport: { width: 1600, height: 860 } });
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.setTimeDomain", { timeDomain: "threadTicks" });
  await session.send("Performance.enable");
  await page.goto(`${url}/mock.html?${query}`);
  await page.waitForSelector("[data-job]");
  await page.waitForTimeout(500);
  const pace = await paceOf(page, async () => (await spent(session)).script);
  return { page, session, pace };
}

/** From the snapshot's arrival to the first frame that shows rows: everything the main thread does for it. */
async function firstPaint(browser, url) {
  const { page, session, pace } = await open(browser, url, `jobs=${ROWS}&still`);
  const runs = [];
  for (let run = 0; run < 5; run += 1) {
    await page.evaluate(async () => {
      window.ropeway.application.engine.queue = window.ropeway.empty;
      await new Promise((frame) => requestAnimationFrame(() => setTimeout(frame, 50)));
    });
    const before = await spent(session);
    await page.evaluate(async () => {
      const { engine } = window.ropeway.host;
      // A gap in the numbers makes the window take a snapshot, as after a start.
      engine.seq += 10;
      engine.tell({ kind: "removed", ids: [] });
      await new Promise((painted) => {
        const look = () => (document.querySelector("[data-job]") ? setTimeout(painted) : requestAnimationFrame(look));
        requestAnimationFrame(look);
      });
    });
    runs.push((await spent(session)).all - before.all);
    await pace.beat();
  }
  report("10,000 rows: data to first paint, best of 5", await pace.usual(...runs), 200, "ms");
  await page.close();
}

/** Script per frame while the list is scrolled by a screen each frame, and by jumps. */
async function scrolling(browser, url) {
  const { page, session, pace } = await open(browser, url, `jobs=${ROWS}&still`);
  for (const [name, step] of [["a third of a screen", 240], ["a whole screen", 800], ["jumps", 9_000]]) {
    const before = await spent(session);
    const frames = await page.evaluate(async (by) => {
      const scroller = document.querySelector(".scroller");
      scroller.scrollTop = 0;
      for (let frame = 0; frame < 120; frame += 1) {
        scroller.scrollTop = (scroller.scrollTop + by) % (scroller.scrollHeight - scroller.clientHeight);
        await new Promise((next) => requestAnimationFrame(next));
      }
      return 120;
    }, step);
    const after = await spent(session);
    report(`scroll by ${name}: script a frame`, await pace.usual((after.script - before.script) / frames), 16, "ms");
  }
  await page.close();
}

/** Script of the frame after a click on each column's head: both directions and back, again and again. */
async function sorting(browser, url) {
  const { page, session, pace } = await open(browser, url, `jobs=${ROWS}&still`);
  await page.waitForTimeout(1_000);
  const clicks = 10;
  for (const name of ["Name", "Size", "Progress", "Speed", "State"]) {
    const runs = [];
    for (let click = 0; click < clicks; click += 1) {
      const before = await spent(session);
      await page.evaluate(async (column) => {
        const heads = [...document.querySelectorAll("[role=columnheader] button")];
        heads.find((button) => button.textContent.includes(column)).click();
        await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
      }, name);
      runs.push((await spent(session)).script - before.script);
      await pace.beat();
    }
    report(`sort 10,000 rows by ${name}: script, best of ${clicks}`, await pace.usual(...runs), 16, "ms");
  }
  await page.close();
}

/** One batch of 100 rows' progress: applying it to the state, and then all script until it is shown. */
async function batches(browser, url) {
  const { page, session, pace } = await open(browser, url, `jobs=${ROWS}&running=100&still`);
  const count = 100;
  const tell = () =>
    page.evaluate(async (times) => {
      const { engine } = window.ropeway.host;
      const rows = [...engine.jobs.values()].filter(({ phase }) => phase.kind === "running");
      const runs = [];
      for (let run = 0; run < times; run += 1) {
        const jobs = rows.map(({ progress }) => ({ ...progress, moved: progress.moved + run * 100_000, rate: 1e6 + run }));
        const totals = engine.totals();
        await new Promise((next) => requestAnimationFrame(next));
        const start = performance.now();
        engine.tell({ kind: "progress", jobs, totals });
        runs.push(performance.now() - start);
      }
      return runs.sort((a, b) => a - b)[times / 2];
    }, count);
  await tell();
  await pace.beat();
  const before = await spent(session);
  const told = await tell();
  const { script } = await spent(session);
  report("apply a batch of 100 rows to 10,000, median", await pace.usual(told), 2, "ms");
  report("  the same with showing it and the mock's own work: script", await pace.usual((script - before.script) / count), 16, "ms");
  await page.close();
}

/** Share of a core that script takes while 100 rows move four times a second. */
async function atWork(browser, url) {
  const { page, session, pace } = await open(browser, url, `jobs=${ROWS}&running=100`);
  const seconds = 8;
  const before = await spent(session);
  await page.waitForTimeout(seconds * 1000);
  const after = await spent(session);
  const share = (had, has) => pace.usual(((has - had) / (seconds * 1000)) * 100);
  report("100 active rows, 4 updates a second: script", await share(before.script, after.script), 10, "% of a core");
  report("  the same with style, layout and painting", await share(before.all, after.all), 20, "% of a core");
  await page.close();
}

await bundle();
const server = await serve(resolve("dist-mock"));
const browser = await launch();
try {
  for (const measure of [firstPaint, scrolling, sorting, batches, atWork]) await measure(browser, server.url);
} finally {
  await browser.close();
  server.close();
}
for (const { what, value, budget, unit, isBroken } of figures) {
  console.log(`${isBroken ? "BROKEN" : value > budget ? "above " : "ok    "}  ${what.padEnd(58)} ${String(value).padStart(8)} ${unit} (budget ${budget})`);
}
if (process.env.FIGURES) await writeFile(process.env.FIGURES, JSON.stringify(figures, null, 2));
process.exitCode = figures.some(({ isBroken }) => isBroken) ? 1 : 0;
