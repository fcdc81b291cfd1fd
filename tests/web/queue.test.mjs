// What a user does with the queue itself: moves rows, sets when they start, and what holds at which hours and servers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inPhase, launch, open, picture, row } from "./browser.mjs";
import { expiring } from "./expiring.mjs";
import { daemon, scratch, until } from "./programs.mjs";

const ROW = 36;
const PAUSED = { headers: [], priority: "normal", paused: true };

let place, queue, browser, window;

before(async () => {
  place = await scratch();
  [queue, browser] = await Promise.all([daemon(place.folder), launch()]);
  const text = [1, 2, 3, 4, 5].map((number) => `http://127.0.0.1:9/file-${number}.bin`).join("\n");
  await queue.rpc("job_add", { text, folder: place.folder, options: PAUSED });
  window = await open(browser, queue.url);
  await row(window.page, "file-5.bin").waitFor();
});

after(async () => {
  await browser?.close();
  await queue?.stop();
  await place?.remove();
});

/** The jobs' numbers in their names, in the order of the queue. */
async function order() {
  const { jobs } = await queue.rpc("snapshot");
  return jobs.sort((a, b) => a.position - b.position).map(({ name }) => Number(/\d+/.exec(name)[0]));
}

/** The same as the window shows it, which is told a moment later. */
const shown = () =>
  window.page.evaluate(() =>
    [...document.querySelectorAll("[data-job]")]
      .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
      .map((each) => Number(/file-(\d+)/.exec(each.textContent)[1])),
  );

const settled = (expected) => async () => {
  const seen = [await order(), await shown()];
  return seen.every((each) => JSON.stringify(each) === JSON.stringify(expected));
};

/** The numbers of the marked rows. */
const marked = () =>
  window.page.evaluate(() =>
    [...document.querySelectorAll('[data-job][aria-selected="true"]')].map((each) => Number(/file-(\d+)/.exec(each.textContent)[1])),
  );

/** Drags the row of a file by so many rows. */
async function drag(page, name, rows) {
  const box = await row(page, name).boundingBox();
  const [x, y] = [box.x + 90, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 6, y + Math.sign(rows) * 8);
  await page.mouse.move(x + 10, y + rows * ROW, { steps: 3 });
}

test("a batch stands in its given order, and its rows are dragged at once", async () => {
  const { page } = window;
  await until("the batch is shown as it was given", settled([1, 2, 3, 4, 5]), shown);
  await drag(page, "file-5.bin", -4.4);
  await page.mouse.up();
  await until("the row moves", settled([5, 1, 2, 3, 4]), order);
  await drag(page, "file-5.bin", 4.4);
  await page.mouse.up();
  await until("and back", settled([1, 2, 3, 4, 5]), order);
});

test("in another order rows stay, and the list offers the order in which they can be moved", async () => {
  const { page } = window;
  await page.getByRole("button", { name: "Name", exact: true }).click();
  await drag(page, "file-1.bin", 2);
  await page.mouse.up();
  await page.getByText("Rows are moved in queue order only").waitFor();
  assert.deepEqual(await order(), [1, 2, 3, 4, 5]);
  await page.getByRole("button", { name: "Sort by queue order" }).click();
  await page.waitForFunction(() => document.querySelector('[aria-rowindex="2"]')?.textContent.includes("file-1.bin"));
});

test("rows are dragged to another place in the queue, several at once, and Escape leaves them", async () => {
  const { page } = window;
  await drag(page, "file-1.bin", 2.4);
  await page.locator(".drop-line").waitFor();
  await picture(page, "reorder");
  await page.mouse.up();
  await until("one row moves", settled([2, 3, 1, 4, 5]), order);

  await row(page, "file-2.bin").click();
  await row(page, "file-1.bin").click({ modifiers: ["Control"] });
  await drag(page, "file-2.bin", 4.4);
  await page.mouse.up();
  await until("two rows move together", settled([3, 4, 5, 2, 1]), order);

  await drag(page, "file-5.bin", -2);
  await page.keyboard.press("Escape");
  await page.mouse.up();
  await page.locator(".drop-line").waitFor({ state: "detached" });
  assert.deepEqual(await order(), [3, 4, 5, 2, 1]);
  assert.deepEqual(await marked(), [5], "the row that was held stays marked");
});

test("the first click after a drag counts, however soon it comes", async () => {
  const { page } = window;
  const { x, y } = await row(page, "file-1.bin").boundingBox();
  await drag(page, "file-5.bin", -0.6);
  // One message after the other, as quick as a hand never is.
  await Promise.all([page.mouse.up(), page.mouse.click(x + 90, y + ROW / 2)]);
  await until("the click marks its row", async () => JSON.stringify(await marked()) === "[1]");
  assert.deepEqual(await order(), [3, 4, 5, 2, 1]);
});

test("the keyboard moves rows too, and says where to", async () => {
  const { page } = window;
  await row(page, "file-5.bin").click();
  await page.getByRole("grid").focus();
  await page.keyboard.press("Alt+ArrowUp");
  await until("a row moves up", settled([3, 5, 4, 2, 1]), order);
  await page.getByText("Moved to place 2 of 5").waitFor({ state: "attached" });
  await page.keyboard.press("Alt+ArrowDown");
  await until("and down again", settled([3, 4, 5, 2, 1]), order);
});

test("a start time is set from the row's menu, shown on the row and taken away again", async () => {
  const { page } = window;
  const { jobs } = await queue.rpc("snapshot");
  const { id } = jobs.find(({ name }) => name === "file-4.bin");
  const startOf = async () => (await queue.rpc("job_detail", { id })).job.start_at_ms;
  await row(page, "file-4.bin").click({ button: "right" });
  await page.getByRole("menuitem", { name: "Start at…" }).click();
  await page.getByRole("button", { name: "In an hour" }).click();
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  const wait = (await startOf()) - Date.now();
  assert.ok(wait > 55 * 60_000 && wait < 65 * 60_000, `starts in ${wait} ms`);

  await queue.rpc("job_resume", { ids: [id] });
  await row(page, "file-4.bin").getByText(/^Starts /).waitFor();
  await picture(page, "start-at");
  await row(page, "file-4.bin").click();
  await page.keyboard.press("Enter");
  await page.locator('[aria-describedby="detail-start"]').click();
  await page.getByRole("button", { name: "Start when it is its turn" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(await startOf(), null);
  await queue.rpc("job_pause", { ids: [id] });
});

test("a schedule is written in the settings, says what it does and is kept", async () => {
  const { page } = window;
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Schedule" }).click();
  await page.getByRole("button", { name: "Add rule" }).click();
  const rule = page.getByRole("group", { name: "Rule 1" });
  await rule.getByRole("button", { name: "Sat" }).click();
  await rule.getByRole("button", { name: "Sun" }).click();
  await rule.getByText("every day").waitFor();
  await rule.getByLabel("From").fill("00:00");
  await rule.getByLabel("To", { exact: true }).fill("00:00");
  await rule.getByLabel("What it does").selectOption("pause");
  await rule.getByText("nothing moves").waitFor();
  assert.deepEqual((await queue.rpc("snapshot")).settings.schedule, [], "what is not saved yet holds nothing up");
  await picture(page, "schedule-draft");
  await page.getByRole("button", { name: "Discard" }).click();
  await rule.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Add rule" }).click();
  await rule.getByRole("button", { name: "Sat" }).click();
  await rule.getByRole("button", { name: "Sun" }).click();
  await rule.getByLabel("From").fill("00:00");
  await rule.getByLabel("To", { exact: true }).fill("00:00");
  await rule.getByLabel("What it does").selectOption("pause");
  await page.getByRole("button", { name: "Save schedule" }).click();
  await page.getByText("in force now").waitFor();
  await picture(page, "schedule");
  await page.keyboard.press("Escape");
  await page.getByRole("toolbar").getByRole("button", { name: "Speed limit: Paused by schedule" }).waitFor();
  // The fields are ahead of the engine, which is told of one change after the other.
  const inForce = async () => (await queue.rpc("snapshot")).settings.schedule;
  await until("the rule is kept", async () => (await inForce())[0]?.pause);
  const [kept] = await inForce();
  assert.deepEqual([...kept.days].sort(), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual([kept.from_minute, kept.to_minute], [0, 0]);

  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Schedule" }).click();
  await page.getByRole("button", { name: "Remove: Rule 1" }).click();
  await rule.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Save schedule" }).click();
  await until("the rule is gone", async () => (await inForce()).length === 0);
});

test("a rule for one server is added, and a name that is none is not taken", async () => {
  const { page } = window;
  await page.getByRole("tab", { name: "Servers" }).click();
  const name = page.getByPlaceholder("example.org");
  await name.fill("no server at all");
  await page.getByRole("button", { name: "Add server" }).click();
  await page.getByText("This is no server: write its name alone").waitFor();
  await name.fill(".Example.org");
  await page.keyboard.press("Enter");
  await page.getByLabel("Connections: .example.org").fill("3");
  await page.getByLabel("Speed limit: .example.org", { exact: true }).fill("2");
  await page.keyboard.press("Tab");
  await until("the rule is kept", async () => {
    const [rule] = (await queue.rpc("snapshot")).settings.servers;
    return rule?.host === ".example.org" && rule.connections === 3 && rule.limit === 2 * 1024 * 1024;
  });
  await picture(page, "servers");
  await page.keyboard.press("Escape");
});

test("of sixty links what needs the user and what moves is in sight, the rest waits in its order, what is over comes last", async () => {
  const place = await scratch();
  const slow = await expiring({ "/slow.bin": Buffer.alloc(64 * 1024 * 1024), "/done.bin": Buffer.alloc(1024) }, { "": Infinity });
  const busy = await daemon(place.folder);
  const { settings } = await busy.rpc("snapshot");
  await busy.rpc("settings_set", { ...settings, download_folder: place.folder, running_jobs: 1, download_limit: 64 * 1024 });
  const options = { ...PAUSED, paused: false };
  const links = Array.from({ length: 60 }, (_, index) => slow.link("/slow.bin", "").replace("?sig=", `?number=${index}`));
  const add = (text, name) => busy.rpc("job_add", { text, ...(name ? { name } : {}), options });
  await add(slow.link("/done.bin", "").replace("?sig=", ""));
  const { page, context } = await open(browser, busy.url);
  await inPhase(page, "done.bin", "completed");
  await add(slow.link("/missing.bin", "").replace("?sig=", ""));
  await inPhase(page, "missing.bin", "failed");
  const { jobs } = await busy.rpc("job_add", { text: links.join("\n"), options });
  await page.locator('[data-phase="running"]').waitFor();
  const inSight = () =>
    page.evaluate(() => [...document.querySelectorAll("[data-job]")].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map(({ dataset }) => [Number(dataset.job), dataset.phase]));
  const expected = jobs.slice(0, 10).map(({ id }, index) => [id, index === 0 ? "running" : "queued"]);
  await until("the bands stand", async () => JSON.stringify((await inSight()).slice(1, 11)) === JSON.stringify(expected), async () => JSON.stringify(await inSight()));
  assert.equal((await inSight())[0][1], "failed");
  await picture(page, "sixty");
  await page.getByRole("grid").focus();
  await page.keyboard.press("End");
  await page.locator('[data-phase="completed"]').waitFor();
  await context.close();
  await busy.stop();
  slow.stop();
  await place.remove();
});
