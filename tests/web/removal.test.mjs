// What is lost only after a question: each of the three is answered both ways, and what was asked for happens.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { access, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inPhase, launch, open, row } from "./browser.mjs";
import { daemon, scratch, share, until } from "./programs.mjs";

const OPTIONS = { headers: [], priority: "normal", paused: false };

let place, queue, fast, browser, page;
const shared = () => join(place.folder, "shared");
const downloads = () => join(place.folder, "downloads");
const isThere = (path) => access(path).then(() => true, () => false);

before(async () => {
  place = await scratch();
  await mkdir(shared());
  await mkdir(downloads());
  for (const name of ["first.bin", "second.bin", "third.bin"]) await writeFile(join(shared(), name), randomBytes(200_000));
  [queue, fast, browser] = await Promise.all([daemon(place.folder), share(shared()), launch()]);
  ({ page } = await open(browser, queue.url));
});

after(async () => {
  await browser?.close();
  await Promise.all([queue?.stop(), fast?.stop()]);
  await place?.remove();
});

const phases = async () => Object.fromEntries((await queue.rpc("snapshot")).jobs.map(({ name, phase }) => [name, phase.kind]));

async function download(name) {
  await queue.rpc("job_add", { text: new URL(name, fast.url).href, folder: downloads(), options: OPTIONS });
  await inPhase(page, name, "completed");
}

async function pause(name) {
  await queue.rpc("job_add", { text: `http://127.0.0.1:9/${name}`, folder: downloads(), options: { ...OPTIONS, paused: true } });
  await inPhase(page, name, "paused");
}

async function choose(name, entry) {
  await row(page, name).click({ button: "right" });
  await page.getByRole("menuitem", { name: entry }).click();
}

const dialog = () => page.getByRole("dialog");
const answer = (name) => dialog().locator("form").getByRole("button", { name, exact: true }).click();
const dialogIsGone = () => dialog().waitFor({ state: "detached" });

test("an unfinished transfer is removed once that is confirmed, and stays where it is not", async () => {
  await pause("unfinished.bin");
  for (const leave of ["Cancel", "Close"]) {
    await choose("unfinished.bin", "Remove from list");
    await answer(leave);
    await dialogIsGone();
    assert.equal((await phases())["unfinished.bin"], "paused");
  }
  await choose("unfinished.bin", "Remove from list");
  await answer("Remove");
  await dialogIsGone();
  await row(page, "unfinished.bin").waitFor({ state: "detached" });
  await page.getByText("1 transfer removed").waitFor();
  assert.deepEqual(await phases(), {});
});

test("the same by keys alone: Delete asks, Enter confirms", async () => {
  await pause("unfinished.bin");
  await row(page, "unfinished.bin").click();
  await page.keyboard.press("Delete");
  await dialog().waitFor();
  await page.keyboard.press("Enter");
  await row(page, "unfinished.bin").waitFor({ state: "detached" });
  assert.deepEqual(await phases(), {});
});

test("a transfer is canceled once that is confirmed, and its row stays", async () => {
  await pause("canceled.bin");
  for (const leave of ["Keep transferring", "Close"]) {
    await choose("canceled.bin", "Cancel transfer");
    await answer(leave);
    await dialogIsGone();
    assert.equal((await phases())["canceled.bin"], "paused");
  }
  await choose("canceled.bin", "Cancel transfer");
  await answer("Cancel transfer");
  await inPhase(page, "canceled.bin", "canceled");
  assert.equal((await phases())["canceled.bin"], "canceled");
});

test("a finished file is deleted with its row once that is confirmed, and kept where the box is taken away", async () => {
  await download("first.bin");
  await choose("first.bin", "Remove and delete file");
  await answer("Cancel");
  await dialogIsGone();
  assert.ok(await isThere(join(downloads(), "first.bin")));
  await choose("first.bin", "Remove and delete file");
  await answer("Remove");
  await row(page, "first.bin").waitFor({ state: "detached" });
  await until("the file is deleted", async () => !(await isThere(join(downloads(), "first.bin"))));

  await download("second.bin");
  await row(page, "second.bin").click();
  await page.keyboard.press("Shift+Delete");
  await dialog().getByRole("checkbox", { name: "Also delete 1 file from the disk" }).uncheck();
  await dialog().getByText("Finished files stay on the disk.").waitFor();
  await answer("Remove");
  await row(page, "second.bin").waitFor({ state: "detached" });
  await until("the row is gone", async () => !("second.bin" in (await phases())));
  assert.ok(await isThere(join(downloads(), "second.bin")));
});

test("an error that nobody caught is told to the user", async () => {
  const stranger = await open(browser, queue.url, { allows: /a dead button|a broken promise/ });
  for (const [what, cause] of [
    ["a dead button", () => setTimeout(() => { throw new Error("a dead button"); })],
    ["a broken promise", () => void Promise.reject(new Error("a broken promise"))],
  ]) {
    await stranger.page.evaluate(cause);
    const notice = stranger.page.getByRole("status", { name: "Messages" }).getByText(what);
    await notice.waitFor();
    await stranger.page.getByRole("status", { name: "Messages" }).getByRole("button", { name: "Close" }).click();
    await notice.waitFor({ state: "detached" });
  }
  await stranger.page.evaluate(() => setTimeout(() => { throw new Error("a dead button"); }));
  await stranger.page.evaluate(() => (window.isOld = true));
  await stranger.page.getByRole("button", { name: "Reload" }).click();
  await stranger.page.waitForFunction(() => window.isOld === undefined);
  await stranger.context.close();
});
