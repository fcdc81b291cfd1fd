// What a user does when a file is in doubt: finds its checksum, verifies, repairs.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { open as openFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inPhase, launch, open, picture, row } from "./browser.mjs";
import { expiring } from "./expiring.mjs";
import { daemon, scratch } from "./programs.mjs";

const MB = 1024 * 1024;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

let place, queue, server, browser, window;
const disk = randomBytes(6 * MB);

before(async () => {
  place = await scratch();
  const sums = Buffer.from(`${sha256(disk)}  disk.img\n`);
  server = await expiring({ "/disk.img": disk, "/disk.img.sha256": sums }, "");
  [queue, browser] = await Promise.all([daemon(place.folder), launch()]);
  const { settings } = await queue.rpc("snapshot");
  await queue.rpc("settings_set", { ...settings, download_folder: place.folder });
  window = await open(browser, queue.url);
});

after(async () => {
  await browser?.close();
  await queue?.stop();
  server?.stop();
  await place?.remove();
});

const OPTIONS = { headers: [], priority: "normal", paused: false };

test("a checksum beside the file is found and compared with the file that is there", async () => {
  const { page } = window;
  await queue.rpc("job_add", { text: server.link("/disk.img", "").replace("?sig=", ""), options: { ...OPTIONS, digest: "sha256" } });
  await inPhase(page, "disk.img", "completed");
  await row(page, "disk.img").click();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Find checksum" }).click();
  await page.getByRole("list", { name: "Checksums found" }).getByText("equal to this file").first().waitFor();
  await picture(page, "checksum-found");
});

test("a damaged file is verified, its block is named and repaired", async () => {
  const { page } = window;
  const path = join(place.folder, "disk.img");
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.getByText(/^All as it came/).waitFor();
  const file = await openFile(path, "r+");
  await file.write(Buffer.from("rotten"), 0, 6, 3 * MB);
  await file.close();
  await page.getByRole("button", { name: "Verify", exact: true }).click();
  await page.getByText(/^1 damaged block,/).waitFor();
  assert.equal(await page.getByRole("list", { name: "Damaged blocks" }).getByRole("listitem").count(), 1);
  await picture(page, "damaged");
  await page.getByRole("button", { name: "Repair" }).click();
  await page.getByText(/^Repaired: /).waitFor({ timeout: 30_000 });
  assert.equal(sha256(await readFile(path)), sha256(disk));
  assert.deepEqual(window.problems, []);
});
