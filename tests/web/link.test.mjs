// What only the user can mend: a link that expired, a name that is taken.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inPhase, launch, open, picture, row } from "./browser.mjs";
import { expiring } from "./expiring.mjs";
import { daemon, scratch } from "./programs.mjs";

const MB = 1024 * 1024;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

let place, queue, server, browser, window;
const dataset = randomBytes(8 * MB);
const longer = Buffer.concat([dataset, randomBytes(1)]);
const other = randomBytes(dataset.length);
const taken = randomBytes(MB);

before(async () => {
  place = await scratch();
  const files = { "/dataset.bin": dataset, "/longer.bin": longer, "/other.bin": other, "/taken.bin": taken };
  server = await expiring(files, { old: 4 * MB, wrong: Infinity, new: Infinity });
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
const durable = async (id) => (await queue.rpc("job_detail", { id })).job.progress.durable;

test("an expired link is renewed in place, another file is not taken for it, and what was saved is not fetched again", async () => {
  const { page } = window;
  const { jobs } = await queue.rpc("job_add", { text: server.link("/dataset.bin", "old"), options: OPTIONS });
  await inPhase(page, "dataset.bin", "link_expired");
  const saved = await durable(jobs[0].id);
  assert.ok(saved >= 2 * MB, `${saved} bytes`);
  await page.getByRole("navigation").getByRole("button", { name: "Needs you" }).click();
  await row(page, "dataset.bin").getByText("Link expired").waitFor();
  await picture(page, "expired");

  await row(page, "dataset.bin").getByRole("button", { name: /^Renew link/ }).click();
  const link = page.getByRole("textbox", { name: "New link" });
  await link.fill("not a link");
  await page.getByRole("button", { name: "Renew and go on" }).click();
  await page.getByRole("dialog").getByRole("alert").getByText(/./).first().waitFor();
  assert.equal(await link.inputValue(), "not a link");
  await picture(page, "renew");

  for (const [path, reason] of [
    ["/longer.bin", `it has ${longer.length} bytes instead of ${dataset.length}`],
    ["/other.bin", "it sends other bytes at "],
  ]) {
    await link.fill(server.link(path, "wrong"));
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    // It is the row that says so once the server has answered, and it still needs the user.
    await inPhase(page, "dataset.bin", "failed");
    await row(page, "dataset.bin").getByText("Link to another file").waitFor();
    assert.equal(await durable(jobs[0].id), saved, "nothing of the other file is kept, and nothing is given up");
    await row(page, "dataset.bin").getByRole("button", { name: /^Renew link/ }).click();
    await page.getByRole("dialog").getByText(reason).waitFor();
    await picture(page, `renew-refused${path.replace(".bin", "").replace("/", "-")}`);
  }

  await link.fill(server.link("/dataset.bin", "new"));
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("navigation").getByRole("button", { name: "All", exact: false }).first().click();
  await inPhase(page, "dataset.bin", "completed");
  assert.equal(sha256(await readFile(join(place.folder, "dataset.bin"))), sha256(dataset));
  // Some of it is fetched once more, to compare; by far not all.
  assert.ok(server.served.new < dataset.length - MB, JSON.stringify(server.served));
});

test("a dropped Metalink is read in the browser and its files are downloaded", async () => {
  const { page } = window;
  const file = `<file name="from-metalink.bin"><hash type="sha-256">${sha256(taken)}</hash><url>${server.link("/taken.bin", "new")}</url></file>`;
  const transfer = await page.evaluateHandle((document) => {
    const dropped = new DataTransfer();
    dropped.items.add(new File([document], "set.meta4"));
    return dropped;
  }, `<?xml version="1.0"?><metalink xmlns="urn:ietf:params:xml:ns:metalink">${file}</metalink>`);
  for (const event of ["dragover", "drop"]) {
    await page.dispatchEvent("main", event, { dataTransfer: transfer, clientX: 640, clientY: 360 });
  }
  await inPhase(page, "from-metalink.bin", "completed");
  assert.equal(sha256(await readFile(join(place.folder, "from-metalink.bin"))), sha256(taken));
});

test("a complete download whose name is taken asks, and keeps both where the user says so", async () => {
  const { page } = window;
  await writeFile(join(place.folder, "taken.bin"), "the user's own");
  await queue.rpc("job_add", { text: server.link("/taken.bin", "new"), options: { ...OPTIONS, on_conflict: "ask" } });
  await inPhase(page, "taken.bin", "blocked");
  await row(page, "taken.bin").click();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Replace the old file" }).waitFor();
  await picture(page, "name-taken");
  await page.getByRole("tabpanel").getByRole("button", { name: "Keep both" }).click();
  await inPhase(page, "taken (1).bin", "completed");
  assert.equal(await readFile(join(place.folder, "taken.bin"), "utf8"), "the user's own");
  assert.equal(sha256(await readFile(join(place.folder, "taken (1).bin"))), sha256(taken));
  // The browser itself reports the refused call.
});
