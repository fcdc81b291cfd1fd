// What a user does when a file is in doubt: finds its checksum, verifies, repairs.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, open as openFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inPhase, launch, open, picture, row } from "./browser.mjs";
import { expiring } from "./expiring.mjs";
import { daemon, scratch, share, until } from "./programs.mjs";

const MB = 1024 * 1024;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Enough that a comparison takes a moment, and what of it is damaged. */
const FILM_BYTES = 256 * MB;
const RUIN_BYTES = 48 * MB;

let place, queue, server, films, browser, window;
const disk = randomBytes(6 * MB);

before(async () => {
  place = await scratch();
  const sums = Buffer.from(`${sha256(disk)}  disk.img\n`);
  server = await expiring({ "/disk.img": disk, "/disk.img.sha256": sums }, { "": Infinity });
  await mkdir(join(place.folder, "films"));
  await writeFile(join(place.folder, "films", "film.mov"), Buffer.alloc(FILM_BYTES, randomBytes(MB)));
  [queue, films, browser] = await Promise.all([daemon(place.folder), share(join(place.folder, "films")), launch()]);
  const { settings } = await queue.rpc("snapshot");
  await queue.rpc("settings_set", { ...settings, download_folder: place.folder });
  window = await open(browser, queue.url);
});

after(async () => {
  await browser?.close();
  await Promise.all([queue?.stop(), films?.stop()]);
  server?.stop();
  await place?.remove();
});

const OPTIONS = { headers: [], priority: "normal", paused: false };

test("a checksum beside the file is found and compared with the file that is there", async () => {
  const { page } = window;
  await queue.rpc("job_add", { text: server.link("/disk.img", "").replace("?sig=", ""), options: { ...OPTIONS, digest: "sha256" } });
  await inPhase(page, "disk.img", "completed");
  await row(page, "disk.img").click();
  await page.keyboard.press("Alt+Enter");
  await page.getByRole("button", { name: "Find checksum" }).click();
  await page.getByRole("list", { name: "Checksums found" }).getByText("equal to this file").first().waitFor();
  await picture(page, "checksum-found");
});

test("a damaged file is verified, its block is named and repaired", async () => {
  const { page } = window;
  const path = join(place.folder, "disk.img");
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.getByText(/^No damage found/).waitFor();
  const file = await openFile(path, "r+");
  await file.write(Buffer.from("rotten"), 0, 6, 3 * MB);
  await file.close();
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.getByRole("tabpanel").getByText(/^1 damaged block,/).waitFor();
  await page.getByRole("list", { name: "Damaged blocks" }).getByRole("listitem").waitFor();
  await picture(page, "damaged");
  await page.getByRole("tabpanel").getByRole("button", { name: "Repair" }).click();
  await page.getByText(/^Repaired: /).waitFor({ timeout: 30_000 });
  assert.equal(sha256(await readFile(path)), sha256(disk));
});

/** Gathers every text that the pane shows of how far a comparison is. */
const watchCourse = (page) =>
  page.evaluate(() => {
    window.course = [];
    new MutationObserver(() => {
      const text = /Compared \S+ \S+ of \S+ \S+/.exec(document.querySelector(".proofs")?.innerText ?? "")?.[0];
      if (text !== undefined && window.course.at(-1) !== text) window.course.push(text);
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });

test("how far the comparison of a large file is, is told while it goes on", async () => {
  // Of its own, as its clock is not the world's.
  const { page, context } = await open(browser, queue.url);
  await queue.rpc("job_add", { text: new URL("film.mov", films.url).href, options: OPTIONS });
  await inPhase(page, "film.mov", "completed", 60_000);
  await row(page, "film.mov").click();
  await page.keyboard.press("Alt+Enter");
  await watchCourse(page);
  await page.clock.install();
  const verdict = page.getByText(/^No damage found/);
  let course = [];
  // A machine that reads faster than it answers has another go.
  for (let round = 0; round < 5 && course.length === 0; round += 1) {
    await page.getByRole("button", { name: "Verify", exact: true }).click();
    // The pane looks once a second, and a quick disk is done before that.
    await until("the comparison ends", async () => {
      await page.clock.runFor(1_000);
      return verdict.isVisible();
    });
    course = await page.evaluate(() => window.course);
  }
  assert.ok(course.length > 0, "nothing was told");
  assert.ok(course.every((text) => text.endsWith("of 256 MiB")), course.join());
  await context.close();
});

test("how far a repair is, is told in every window, and none begins another meanwhile", async () => {
  const { page } = window;
  const file = await openFile(join(place.folder, "film.mov"), "r+");
  await file.write(Buffer.alloc(RUIN_BYTES), 0, RUIN_BYTES, 64 * MB);
  await file.close();
  await row(page, "film.mov").click();
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.getByRole("tabpanel").getByText("48 damaged blocks, 48.0 MiB").waitFor();
  const { settings } = await queue.rpc("snapshot");
  await queue.rpc("settings_set", { ...settings, download_limit: 2 * MB });
  await page.getByRole("tabpanel").getByRole("button", { name: "Repair" }).click();
  const other = await open(browser, queue.url);
  await row(other.page, "film.mov").click();
  await other.page.keyboard.press("Alt+Enter");
  for (const each of [page, other.page]) {
    await each.getByText(/Fetched again: [1-9]\S*\sMiB of 48\.0\sMiB/).waitFor();
    assert.ok(await each.getByRole("button", { name: "Verify", exact: true }).isDisabled());
  }
  await picture(page, "repairing");
  await queue.rpc("settings_set", settings);
  await page.getByText(/^Repaired: 48\.0\sMiB/).waitFor({ timeout: 30_000 });
  await other.page.getByText(/Fetched again/).waitFor({ state: "detached" });
  await other.context.close();
  const [sent, got] = await Promise.all(["films/film.mov", "film.mov"].map((name) => readFile(join(place.folder, name))));
  assert.equal(sha256(got), sha256(sent));
});
