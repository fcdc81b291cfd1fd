// Each control of each screen is used by some test. The other files use most, this one uses the rest; the last test
// compares what the run has seen with what it has used, so that this file is run behind all others.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inPhase, launch, open, picture, row } from "../browser.mjs";
import { recorded } from "../controls.mjs";
import { expiring } from "../expiring.mjs";
import { daemon, scratch, share, until } from "../programs.mjs";

const MB = 1024 * 1024;
const OPTIONS = { headers: [], priority: "normal", paused: false };
const PAUSED = { ...OPTIONS, paused: true };

/** Every screen there is. One that no test opens is not tried at all. */
const SCREENS = [
  "add-downloads", "add-duplicates", "add-uploads", "details", "details-overview",
  "dialog-add", "dialog-cancel", "dialog-checksum", "dialog-remove", "dialog-renew", "dialog-settings", "dialog-start", "empty",
  "header", "list", "menu-add", "menu-columns", "menu-job", "menu-limits", "need-strip", "no-match", "notices",
  "settings-general", "settings-schedule", "settings-servers", "settings-targets", "settings-transfers", "sidebar", "splitter",
  "toolbar",
];

let place, queue, files, signed, busy, browser, page, context;
const shared = () => join(place.folder, "shared");
const downloads = () => join(place.folder, "downloads");

before(async () => {
  place = await scratch();
  await mkdir(shared());
  await mkdir(downloads());
  await writeFile(join(shared(), "whole.bin"), randomBytes(MB));
  await writeFile(join(shared(), "slow.bin"), randomBytes(4 * MB));
  await writeFile(join(place.folder, "send.bin"), randomBytes(1000));
  signed = await expiring({ "/signed.bin": randomBytes(MB) }, { "right-key": Infinity });
  [queue, files, browser] = await Promise.all([daemon(place.folder), share(shared()), launch()]);
  const { settings } = await queue.rpc("snapshot");
  await queue.rpc("settings_set", { ...settings, download_folder: downloads() });
  ({ page, context } = await open(browser, queue.url));
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: queue.url.origin });
});

after(async () => {
  await browser?.close();
  await Promise.all([queue?.stop(), files?.stop()]);
  signed?.stop();
  busy?.close();
  await place?.remove();
});

const jobs = async () => (await queue.rpc("snapshot")).jobs;
const named = async (name) => (await jobs()).find((job) => job.name === name);
const settings = async () => (await queue.rpc("snapshot")).settings;
// Without the messages, which are shown in the topmost dialog.
const dialog = () => page.getByRole("dialog").locator("form");
const closed = () => dialog().waitFor({ state: "detached" });
const tool = (name) => page.getByRole("toolbar").getByRole("button", { name, exact: true });
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());

async function choose(name, entry, role = "menuitem") {
  // A row may move just then, as its state or its place changes: the click must have hit it.
  await until(`the menu of ${name} is open`, async () => {
    await row(page, name).first().click({ button: "right" });
    await page.getByRole("menu").waitFor();
    const isIt = (await row(page, name).first().getAttribute("aria-selected")) === "true";
    if (!isIt) await page.keyboard.press("Escape");
    return isIt;
  });
  await page.getByRole(role, { name: entry }).click();
}

async function openSettings(section) {
  await page.getByRole("navigation").getByRole("button", { name: "Settings" }).click();
  await dialog().getByRole("tab", { name: section, exact: true }).click();
}

async function download(name, options = OPTIONS) {
  const { jobs } = await queue.rpc("job_add", { text: new URL(name, files.url).href, options });
  if (!options.paused) await inPhase(page, name, "completed");
  return jobs[0].id;
}

test("an empty window opens both kinds of adding", async () => {
  await page.getByRole("button", { name: "Add downloads" }).click();
  await dialog().getByLabel("Addresses").waitFor();
  await dialog().getByRole("button", { name: "Close" }).click();
  await closed();
  await page.getByRole("button", { name: "Upload files" }).click();
  await dialog().getByLabel("Files and folders").waitFor();
  await dialog().getByRole("tab", { name: "Downloads" }).click();
  await dialog().getByLabel("Addresses").waitFor();
  await dialog().getByRole("button", { name: "Cancel" }).click();
  await closed();
});

test("every field of a download reaches the engine, and a bad one is marked and says why", async () => {
  await tool("Add").click();
  const field = (name) => dialog().getByLabel(name, { exact: true });
  await field("Addresses").fill("http://127.0.0.1:9/fields.bin");
  await field("Save in").fill(join(downloads(), "fields"));
  await field("Save as").fill("renamed.bin");
  await page.getByText("More", { exact: true }).click();
  await field("Speed limit").fill("fast");
  await page.keyboard.press("Tab");
  assert.equal(await field("Speed limit").getAttribute("aria-invalid"), "true");
  const [marked, plain] = await Promise.all(
    ["Speed limit", "Mirrors"].map((name) => field(name).evaluate((element) => getComputedStyle(element).borderTopColor)),
  );
  assert.notEqual(marked, plain, "a bad limit looks like any other field");
  await dialog().getByRole("button", { name: "Add download" }).click();
  await dialog().getByText("The speed limit is not a valid number.").waitFor();
  await field("Speed limit").fill("2");
  await dialog().getByRole("combobox", { name: "Speed limit: KiB/s, MiB/s" }).selectOption("KiB/s");
  await field("Connections").selectOption("3");
  await field("Priority").selectOption("high");
  await field("Start at").fill("2099-01-01T10:00");
  await field("If the name is taken").selectOption("fail");
  await field("Checksum").fill("ab".repeat(32));
  await field("Checksum algorithm").selectOption("md5");
  await field("Mirrors").fill("http://127.0.0.1:9/mirror.bin");
  await field("Headers").fill("X-Key: value");
  await field("User name").fill("me");
  await field("Password").fill("secret");
  await field("Use logins of .netrc").check();
  await field("Cookie file").fill("/nowhere/cookies.txt");
  await field("Proxy").fill("no proxy at all");
  await field("CA file").fill("/nowhere/ca.pem");
  await field("Allow a redirect from https to http").check();
  await field("Add paused").check();
  await dialog().getByRole("button", { name: "Add download" }).click();
  // In the dialog, where it can be put right, and not under it.
  await dialog().getByRole("alert").getByText(/proxy/i).first().waitFor();
  await picture(page, "refused-in-dialog");
  await field("Proxy").fill("http://127.0.0.1:9");
  await dialog().getByRole("button", { name: "Add download" }).click();
  await closed();
  const job = await named("renamed.bin");
  assert.deepEqual(
    [job.rate_limit, job.connections, job.priority, job.wish, job.destination],
    [2048, 3, "high", "pause", join(downloads(), "fields")],
  );
  assert.equal(new Date(job.start_at_ms).getFullYear(), 2099);
  const detail = await queue.rpc("job_detail", { id: job.id });
  assert.deepEqual(detail.header_names, ["X-Key", "Authorization"]);
  assert.equal(detail.expected_digest, `sha256:${"ab".repeat(32)}`);
  assert.deepEqual(detail.mirrors, ["http://127.0.0.1:9/mirror.bin"]);
});

test("every field of an upload is used, with a saved target and without", async () => {
  await tool("More ways to add").click();
  await page.getByRole("menuitem", { name: "Upload files…" }).click();
  const field = (name) => dialog().getByLabel(name, { exact: true });
  await field("Files and folders").fill(join(place.folder, "send.bin"));
  await field("Address").fill("gopher://nowhere/");
  await field("Save this target as").fill("");
  await page.getByText("More", { exact: true }).click();
  await field("Speed limit").fill("1");
  await dialog().getByRole("combobox", { name: "Speed limit: KiB/s, MiB/s" }).selectOption("MiB/s");
  await field("Priority").selectOption("low");
  await field("Start at").fill("2099-01-01T10:00");
  await field("Headers").fill("X-Key: value");
  await field("User name").fill("me");
  await field("Password").fill("secret");
  await field("Proxy").fill("");
  await field("CA file").fill("");
  await field("Use logins of .netrc").check();
  await field("Cookie file").fill("");
  await field("Add paused").check();
  await dialog().getByRole("button", { name: "Upload", exact: true }).click();
  await dialog().getByRole("alert").getByText(/gopher/).first().waitFor();
  await field("Address").fill("http://127.0.0.1:9/in/");
  await field("Save this target as").fill("NAS");
  await dialog().getByRole("button", { name: "Upload", exact: true }).click();
  await closed();
  const job = await named("send.bin");
  assert.deepEqual([job.direction, job.rate_limit, job.priority], ["upload", MB, "low"]);
  // The saved target is one click away.
  await page.getByRole("navigation").getByRole("button", { name: "NAS" }).click();
  assert.match(await field("Upload to").evaluate((select) => select.selectedOptions[0].textContent), /^NAS/);
  await field("Upload to").selectOption({ label: "Another address" });
  await field("Address").waitFor();
  await dialog().getByRole("tab", { name: "Uploads" }).click();
  await dialog().getByRole("button", { name: "Cancel" }).click();
  await closed();
});

test("what is on the clipboard is added by the menu", async () => {
  await page.evaluate(() => navigator.clipboard.writeText("http://127.0.0.1:9/pasted.bin"));
  await tool("More ways to add").click();
  await page.getByRole("menuitem", { name: "Add from clipboard" }).click();
  assert.equal(await dialog().getByLabel("Addresses").inputValue(), "http://127.0.0.1:9/pasted.bin");
  await page.keyboard.press("Escape");
  await closed();
  await tool("More ways to add").click();
  await page.getByRole("menuitem", { name: "Download addresses…" }).click();
  await page.keyboard.press("Escape");
  await closed();
});

test("a link that is on the list is asked about: it is shown, saved, left out or added again", async () => {
  await download("whole.bin");
  const link = new URL("whole.bin", files.url).href;
  const ask = async (text) => {
    await tool("Add").click();
    await dialog().getByLabel("Addresses").fill(text);
    await dialog().getByRole("button", { name: /^Add (\d+ )?downloads?$/ }).click();
    await dialog().getByText(/already on the list/).waitFor();
  };
  const count = async () => (await jobs()).filter(({ name }) => name.startsWith("whole")).length;
  await ask(link);
  await picture(page, "duplicate");
  assert.equal(await count(), 1, "nothing is added before the answer");
  const saving = page.waitForEvent("download");
  await dialog().getByRole("button", { name: "Save to this device" }).click();
  assert.equal((await saving).suggestedFilename(), "whole.bin");
  await dialog().getByRole("button", { name: "Show in list" }).click();
  await closed();
  await page.locator('[aria-selected="true"]', { hasText: "whole.bin" }).waitFor();
  await ask(`${link}\nhttp://127.0.0.1:9/new.bin`);
  await dialog().getByRole("button", { name: "Add only the new ones" }).click();
  await closed();
  assert.equal(await count(), 1);
  assert.ok(await named("new.bin"));
  await ask(link);
  await dialog().getByRole("button", { name: "Add again" }).click();
  await closed();
  await inPhase(page, "whole (1).bin", "completed");
  assert.equal(await count(), 2);
  await queue.rpc("job_remove", { ids: [(await named("whole (1).bin")).id], delete_files: true });
});

test("a finished file is saved through the browser by its button, its menu, Enter and a double click", async () => {
  const bytes = await readFile(join(downloads(), "whole.bin"));
  const ways = [
    () => row(page, "whole.bin").getByRole("button", { name: "Save to this device: whole.bin" }).click(),
    () => choose("whole.bin", "Save to this device"),
    () => row(page, "whole.bin").getByText("whole.bin").dblclick(),
    async () => {
      await row(page, "whole.bin").click();
      await page.getByRole("grid").press("Enter");
    },
  ];
  for (const way of ways) {
    const saving = page.waitForEvent("download");
    await way();
    const saved = await saving;
    assert.equal(saved.suggestedFilename(), "whole.bin");
    assert.deepEqual(await readFile(await saved.path()), bytes);
    assert.ok(!saved.url().includes(queue.token), "the link tells the key");
    const again = await fetch(saved.url());
    assert.equal(again.status, 404, "the link works twice");
  }
});

test("an address is copied in full, from the menu and from the details", async () => {
  const link = signed.link("/signed.bin", "right-key");
  await queue.rpc("job_add", { text: link, options: OPTIONS });
  await inPhase(page, "signed.bin", "completed");
  assert.ok(!JSON.stringify(await jobs()).includes("right-key"), "the list tells secrets");
  await choose("signed.bin", "Copy address");
  await until("the address is on the clipboard", async () => (await clipboard()) === link, clipboard);
  await page.evaluate(() => navigator.clipboard.writeText(""));
  await choose("signed.bin", "Details");
  const panel = page.getByRole("tabpanel");
  await panel.getByRole("button", { name: "Copy: From" }).click();
  await until("the address is on the clipboard", async () => (await clipboard()) === link, clipboard);
  const path = join(downloads(), "signed.bin");
  await panel.getByRole("button", { name: "Copy: To" }).click();
  await until("the path is on the clipboard", async () => (await clipboard()) === path, clipboard);
  await panel.getByRole("button", { name: "Copy: Digest" }).click();
  await until("the digest is on the clipboard", async () => (await clipboard()).startsWith("sha256:"), clipboard);
  await choose("signed.bin", "Copy path");
  await until("the path is on the clipboard", async () => (await clipboard()) === path, clipboard);
});

test("the details have four tabs, a height, and go away", async () => {
  for (const name of ["Segments", "Speed", "Log", "Overview"]) {
    await page.getByRole("tab", { name, exact: true }).click();
    await page.getByRole("tabpanel", { name, exact: true }).waitFor();
  }
  const height = page.getByRole("separator", { name: "Height of the details" });
  const before = Number(await height.getAttribute("aria-valuenow"));
  await height.press("ArrowUp");
  assert.equal(Number(await height.getAttribute("aria-valuenow")), before + 24);
  await page.getByRole("button", { name: "Hide details" }).click();
  await page.getByRole("tab", { name: "Overview" }).waitFor({ state: "detached" });
});

test("the same is downloaded again from a finished row, and from a canceled one, which it replaces", async () => {
  await choose("whole.bin", "Download again");
  await inPhase(page, "whole (1).bin", "completed");
  await page.locator('[aria-selected="true"]', { hasText: "whole (1).bin" }).waitFor();
  const id = await download("slow.bin", PAUSED);
  await queue.rpc("job_cancel", { ids: [id] });
  await inPhase(page, "slow.bin", "canceled");
  await row(page, "slow.bin").getByRole("button", { name: "Download again: slow.bin" }).click();
  await inPhase(page, "slow.bin", "completed");
  assert.equal((await jobs()).filter(({ name }) => name === "slow.bin").length, 1);
  for (const use of [
    () => choose("send.bin", "Upload again"),
    () => row(page, "send.bin").getByRole("button", { name: "Upload again: send.bin" }).click(),
  ]) {
    await queue.rpc("job_cancel", { ids: [(await named("send.bin")).id] });
    await inPhase(page, "send.bin", "canceled");
    await use();
    await until("it is asked for again", async () => (await named("send.bin"))?.phase.kind !== "canceled");
    await until("the row is there", async () => (await row(page, "send.bin").count()) === 1);
  }
});

test("what a comparison finds damaged stays said over a reload, needs the user, and is repaired from its row", async () => {
  const path = join(downloads(), "slow.bin");
  const sound = await readFile(path);
  const ruin = async () => {
    const rotten = Buffer.from(sound);
    rotten.fill(0, MB, MB + 10);
    await writeFile(path, rotten);
  };
  await ruin();
  await choose("slow.bin", "Details");
  await page.getByRole("tabpanel").getByRole("button", { name: "Verify" }).click();
  await row(page, "slow.bin").getByText("Damaged", { exact: true }).waitFor();
  await page.reload();
  await row(page, "slow.bin").getByText("Damaged", { exact: true }).waitFor();
  await page.getByRole("navigation").getByRole("button", { name: /^Needs you/ }).click();
  await picture(page, "damaged-row");
  await row(page, "slow.bin").getByRole("button", { name: "Repair: slow.bin" }).click();
  await page.getByText("The file is repaired").waitFor();
  assert.deepEqual(await readFile(path), sound);
  await page.getByRole("button", { name: "Show all transfers" }).click();
  await row(page, "slow.bin").getByText("Completed").waitFor();
  await ruin();
  await queue.rpc("job_verify", { id: (await named("slow.bin")).id });
  await row(page, "slow.bin").getByText("Damaged", { exact: true }).waitFor();
  await choose("slow.bin", "Repair");
  await row(page, "slow.bin").getByText("Completed").waitFor();
  assert.deepEqual(await readFile(path), sound);
  await page.getByRole("button", { name: "Hide details" }).click();
});

test("a waiting job is tried, paused and resumed by its row, its menu, the strip and the toolbar", async () => {
  // Busy for longer than this takes: what is tried is tried because somebody asked for it.
  busy = createServer((_, response) => response.writeHead(503, { "Retry-After": "600" }).end());
  await new Promise((listening) => busy.listen(0, "127.0.0.1", listening));
  const text = `http://127.0.0.1:${busy.address().port}/refused.bin`;
  const { jobs: added } = await queue.rpc("job_add", { text, options: OPTIONS });
  const { id } = added[0];
  const wish = async () => (await queue.rpc("job_detail", { id })).job.wish;
  const tries = async () => (await queue.rpc("job_detail", { id })).log.length;
  const more = async (use) => {
    await inPhase(page, "refused.bin", "waiting");
    const had = await tries();
    await use();
    await until("it is tried again", async () => (await tries()) > had, tries);
  };
  await more(() => row(page, "refused.bin").getByRole("button", { name: "Try now: refused.bin" }).click());
  await more(() => choose("refused.bin", "Retry"));
  await choose("refused.bin", "Details");
  await more(() => page.getByRole("tabpanel").getByRole("button", { name: "Try now" }).click());
  await choose("refused.bin", "Pause");
  await until("it is paused", async () => (await wish()) === "pause");
  await inPhase(page, "refused.bin", "paused");
  await choose("refused.bin", "Resume");
  await until("it goes on", async () => (await wish()) === "run");
  await tool("Pause all").click();
  await until("all are paused", async () => (await wish()) === "pause");
  await tool("Resume all").click();
  await until("all go on", async () => (await wish()) === "run");
  await queue.rpc("pause_all");
  await inPhase(page, "refused.bin", "paused");
  await row(page, "refused.bin").getByRole("button", { name: "Resume: refused.bin" }).click();
  await until("it goes on", async () => (await wish()) === "run");
});

test("a refused file is retried, started again or gets a new link, from its row and its strip", async () => {
  await queue.rpc("job_add", { text: new URL("missing.bin", files.url).href, options: OPTIONS });
  await inPhase(page, "missing.bin", "failed");
  // The reason comes first, and fits.
  await row(page, "missing.bin").getByText("404 · File not found").waitFor();
  const id = (await named("missing.bin")).id;
  const lines = async () => (await queue.rpc("job_detail", { id })).log.length;
  const again = async (use) => {
    await inPhase(page, "missing.bin", "failed");
    const had = await lines();
    await use();
    await until("it is tried again", async () => (await lines()) > had, lines);
  };
  await again(() => row(page, "missing.bin").getByRole("button", { name: "Retry: missing.bin" }).click());
  await row(page, "missing.bin").click();
  await again(() => page.getByRole("tabpanel").getByRole("button", { name: "Retry" }).click());
  await inPhase(page, "missing.bin", "failed");
  const leave = async (name) => {
    await dialog().getByRole("button", { name, exact: true }).click();
    await closed();
  };
  await page.getByRole("tabpanel").getByRole("button", { name: "Renew link…" }).click();
  await leave("Cancel");
  await choose("missing.bin", "Renew link…");
  await leave("Close");

  const wrong = { ...OPTIONS, checksum: `sha256:${"00".repeat(32)}` };
  await queue.rpc("job_add", { text: new URL("whole.bin", files.url).href, name: "wrong.bin", options: wrong });
  await inPhase(page, "wrong.bin", "failed");
  const wrongId = (await named("wrong.bin")).id;
  await row(page, "wrong.bin").click();
  const had = (await queue.rpc("job_detail", { id: wrongId })).log.length;
  await page.getByRole("tabpanel").getByRole("button", { name: "Start again" }).click();
  await until("it starts again", async () => (await queue.rpc("job_detail", { id: wrongId })).log.length > had);
  await inPhase(page, "wrong.bin", "failed");
});

test("a checksum that was mistyped is put right or taken away, and the file is compared and not fetched", async () => {
  const wrong = `sha256:${"00".repeat(32)}`;
  const bytes = await readFile(join(shared(), "whole.bin"));
  const right = createHash("sha256").update(bytes).digest("hex");
  const leave = async (name) => {
    await dialog().getByRole("button", { name, exact: true }).click();
    await closed();
  };
  const openings = {
    "wrong.bin": (name) => row(page, name).getByRole("button", { name: `Correct checksum…: ${name}` }).click(),
    "other.bin": () => page.getByRole("tabpanel").getByRole("button", { name: "Correct checksum…" }).click(),
  };
  await queue.rpc("job_add", { text: new URL("whole.bin", files.url).href, name: "other.bin", options: { ...OPTIONS, checksum: wrong } });
  for (const [name, opens] of Object.entries(openings)) {
    await inPhase(page, name, "failed");
    await page.getByRole("navigation").getByRole("button", { name: /^Needs you \d/ }).waitFor();
    await row(page, name).click();
    await opens(name);
    const field = dialog().getByLabel("Checksum", { exact: true });
    await until("what was given is shown", async () => (await field.inputValue()) === wrong);
    await picture(page, "checksum");
    await leave(name === "wrong.bin" ? "Cancel" : "Close");
    await choose(name, "Correct checksum…");
    if (name === "wrong.bin") {
      await field.fill(`${right}  whole.bin`);
      await leave("Compare again");
    } else {
      await leave("Take none");
    }
    await inPhase(page, name, "completed");
    const { verification } = await named(name);
    assert.equal(verification, name === "wrong.bin" ? "checksum_given" : "length");
  }
  // They would push the rows of the next tests out of sight.
  const ids = await Promise.all(Object.keys(openings).map(async (name) => (await named(name)).id));
  await queue.rpc("job_remove", { ids, delete_files: true });
});

test("a taken name is answered in three ways, from the row, the menu and the strip", async () => {
  const ask = { ...OPTIONS, on_conflict: "ask" };
  const taken = async (name) => {
    await writeFile(join(downloads(), name), "old");
    await queue.rpc("job_add", { text: new URL("whole.bin", files.url).href, name, options: ask });
    await inPhase(page, name, "blocked");
    await row(page, name).click();
  };
  const strip = (name) => page.getByRole("tabpanel").getByRole("button", { name, exact: true }).click();
  const whole = await readFile(join(shared(), "whole.bin"));
  for (const [name, use, phase, kept] of [
    ["t1.bin", () => row(page, "t1.bin").getByRole("button", { name: "Keep both: t1.bin" }).click(), "completed", "old"],
    ["t2.bin", () => choose("t2.bin", "Keep both"), "completed", "old"],
    ["t3.bin", () => choose("t3.bin", "Replace the old file"), "completed", whole],
    ["t4.bin", () => choose("t4.bin", "Keep the old file"), "failed", "old"],
    ["t5.bin", () => strip("Keep both"), "completed", "old"],
    ["t6.bin", () => strip("Replace the old file"), "completed", whole],
    ["t7.bin", () => strip("Keep the old file"), "failed", "old"],
  ]) {
    await taken(name);
    const { id } = await named(name);
    await use();
    await until(`${name} is ${phase}`, async () => (await queue.rpc("job_detail", { id })).job.phase.kind === phase);
    assert.deepEqual(await readFile(join(downloads(), name)), Buffer.from(kept), name);
  }
});

test("priority, start, place, limit and connections are set from the menu and the details", async () => {
  const { jobs: added } = await queue.rpc("job_add", { text: "http://127.0.0.1:9/first.bin\nhttp://127.0.0.1:9/last.bin", options: PAUSED });
  const { id } = added[1];
  const job = async () => (await queue.rpc("job_detail", { id })).job;
  await row(page, "last.bin").waitFor();
  for (const [name, priority] of [["High", "high"], ["Low", "low"], ["Normal", "normal"]]) {
    await choose("last.bin", `Priority: ${name}`, "menuitemcheckbox");
    await until(`the priority is ${priority}`, async () => (await job()).priority === priority);
  }
  const order = async () => (await jobs()).sort((a, b) => a.position - b.position).map((each) => each.id);
  await choose("last.bin", "Move to the front");
  await until("it is the first", async () => (await order())[0] === id);
  await choose("last.bin", "Move to the end");
  await until("it is the last", async () => (await order()).at(-1) === id);

  await choose("last.bin", "Details");
  const panel = page.getByRole("tabpanel");
  await panel.getByLabel("Limit", { exact: true }).fill("3");
  await page.keyboard.press("Tab");
  await panel.getByRole("combobox", { name: "Limit: KiB/s, MiB/s" }).selectOption("KiB/s");
  await until("it has its limit", async () => (await job()).rate_limit === 3072, async () => JSON.stringify(await job()));
  for (const [shown, wanted] of [["Automatic", "auto"], ["As in the settings", null], ["12", 12]]) {
    await panel.getByLabel("Connections").selectOption(shown);
    await until(`it has ${shown} connections`, async () => (await job()).connections === wanted);
  }
  await panel.getByLabel("Priority").selectOption("high");
  await until("it has its priority", async () => (await job()).priority === "high");

  const start = async () => {
    await panel.getByRole("button", { name: /turn$|\d/ }).click();
    await dialog().waitFor();
  };
  for (const [preset, hours] of [["In an hour", [0, 2]], ["Tonight", [0, 25]], ["Tomorrow morning", [0, 49]]]) {
    await choose("last.bin", "Start at…");
    await dialog().getByRole("button", { name: preset }).click();
    await dialog().getByRole("button", { name: "Set", exact: true }).click();
    await closed();
    const wait = ((await job()).start_at_ms - Date.now()) / 3_600_000;
    assert.ok(wait > hours[0] && wait < hours[1], `${preset}: ${wait} h`);
  }
  await start();
  await dialog().getByLabel("Not before").fill("2098-02-03T04:05");
  await dialog().getByRole("button", { name: "Set", exact: true }).click();
  await closed();
  assert.equal(new Date((await job()).start_at_ms).getFullYear(), 2098);
  for (const leave of ["Cancel", "Close"]) {
    await choose("last.bin", "Start at…");
    await dialog().getByRole("button", { name: leave }).click();
    await closed();
  }
  await choose("last.bin", "Start at…");
  await dialog().getByRole("button", { name: "Start when it is its turn" }).click();
  await closed();
  assert.equal((await job()).start_at_ms, null);
});

test("a checksum beside the file is taken for one that is not complete", async () => {
  await writeFile(join(shared(), "summed.bin"), "x");
  await writeFile(join(shared(), "summed.bin.sha256"), `${"12".repeat(32)}  summed.bin\n`);
  const id = await download("summed.bin", PAUSED);
  await row(page, "summed.bin").click();
  await page.getByRole("tabpanel").getByRole("button", { name: "Find checksum" }).click();
  await page.getByRole("tabpanel").getByRole("button", { name: /^Use: sha256:/ }).click();
  await until("it is expected", async () => (await queue.rpc("job_detail", { id })).expected_digest === `sha256:${"12".repeat(32)}`);
});

test("each group of the sidebar shows its rows, each column sorts, has a width and can be left out", async () => {
  const group = (name) => page.getByRole("navigation").getByRole("button", { name: new RegExp(`^${name}( [\\d,]+)?$`) });
  for (const name of ["Active", "Waiting", "Paused", "Completed", "Failed", "Needs you", "Downloads", "Uploads", "All"]) {
    await group(name).click();
    await page.locator(`nav [aria-current="true"]`, { hasText: name }).waitFor();
  }
  // Columns give way in a window that has no room for all of them.
  await page.setViewportSize({ width: 1600, height: 900 });
  const header = page.getByRole("columnheader");
  const menu = async (entry) => {
    await header.first().click({ button: "right" });
    await page.getByRole("menuitemcheckbox", { name: entry, exact: true }).or(page.getByRole("menuitem", { name: entry, exact: true })).click();
  };
  for (const name of ["Server", "Added"]) {
    await menu(name);
    await header.filter({ hasText: name }).waitFor();
  }
  for (const name of ["Name", "Size", "Progress", "Speed", "Left", "State", "Server", "Added"]) {
    const column = header.filter({ hasText: name }).first();
    await column.getByRole("button").click();
    await page.waitForFunction((of) => [...document.querySelectorAll("[role=columnheader]")].some((each) => each.textContent.includes(of) && each.ariaSort !== "none"), name);
    const edge = column.getByRole("separator");
    if ((await edge.count()) === 0) continue;
    const before = Number(await edge.getAttribute("aria-valuenow"));
    await edge.press("ArrowRight");
    assert.equal(Number(await edge.getAttribute("aria-valuenow")), before + 16, name);
  }
  for (const name of ["Size", "Progress", "Speed", "Left"]) {
    await menu(name);
    await header.filter({ hasText: new RegExp(`^\\s*${name}`) }).waitFor({ state: "detached" });
  }
  await menu("Sort by: Added");
  await menu("Sort by: Queue order");
  await menu("Reset columns");
  await header.filter({ hasText: "Progress" }).waitFor();
  await menu("Sort by: What matters now");
  assert.deepEqual(await page.evaluate(() => JSON.parse(localStorage.getItem("ropeway.sort"))), { key: "bands", isDescending: false });
});

test("the filter finds, and the way back from nothing found is offered", async () => {
  await page.keyboard.press("Control+f");
  await page.getByRole("searchbox", { name: "Filter" }).fill("no such file");
  await page.getByText("Nothing here matches.").waitFor();
  await page.getByRole("button", { name: "Show all transfers" }).click();
  await row(page, "whole.bin").first().waitFor();
  assert.equal(await page.getByRole("searchbox", { name: "Filter" }).inputValue(), "");
});

test("the chip tells the limit in force and is the quick way to another", async () => {
  const chip = () => page.getByRole("toolbar").getByRole("button", { name: /^Speed limit: / });
  for (const [kind, key] of [["Download limit", "download_limit"], ["Upload limit", "upload_limit"]]) {
    for (const [label, limit] of [["1.00 MiB/s", MB], ["2.00 MiB/s", 2 * MB], ["5.00 MiB/s", 5 * MB], ["10.0 MiB/s", 10 * MB], ["50.0 MiB/s", 50 * MB]]) {
      await chip().click();
      await page.getByRole("menuitemcheckbox", { name: `${kind}: ${label}`, exact: true }).click();
      await until(`the ${kind} is ${label}`, async () => (await settings())[key] === limit);
      await chip().getByText(label).waitFor();
    }
    await picture(page, `chip-${key}`);
    await chip().click();
    await page.getByRole("menuitemcheckbox", { name: `${kind}: No limit` }).click();
    await until(`there is no ${kind}`, async () => (await settings())[key] === null);
  }
  await chip().getByText("No limit").waitFor();
  await chip().click();
  await page.getByRole("menuitem", { name: "Schedule…" }).click();
  await dialog().getByRole("button", { name: "Add rule" }).waitFor();
  await dialog().getByRole("button", { name: "Close" }).click();
  await closed();
  await chip().click();
  await page.getByRole("menuitem", { name: "Other limits…" }).click();
  await dialog().getByLabel("Download folder").waitFor();
  await page.keyboard.press("Escape");
  await closed();
});

test("every setting is kept", async () => {
  const field = (name) => dialog().getByLabel(name, { exact: true });
  const kept = (what, holds) => until(`${what} is kept`, async () => holds(await settings()), async () => JSON.stringify(await settings()));
  await openSettings("General");
  await field("Theme").selectOption("light");
  await kept("the theme", ({ theme }) => theme === "light");
  await field("Language").selectOption("de");
  await page.getByRole("dialog", { name: "Einstellungen" }).waitFor();
  await dialog().getByLabel("Sprache").selectOption("en");
  await field("Announce finished and failed transfers").uncheck();
  await kept("the silence", ({ notifications }) => !notifications);

  await dialog().getByRole("tab", { name: "Transfers" }).click();
  await field("Download folder").fill(join(place.folder, "elsewhere"));
  await field("Download limit").fill("7");
  await page.keyboard.press("Tab");
  await dialog().getByRole("combobox", { name: "Download limit: KiB/s, MiB/s" }).selectOption("KiB/s");
  await kept("the download limit", ({ download_limit }) => download_limit === 7 * 1024);
  await field("Upload limit").fill("8");
  await page.keyboard.press("Tab");
  await dialog().getByRole("combobox", { name: "Upload limit: KiB/s, MiB/s" }).selectOption("KiB/s");
  await kept("the upload limit", ({ upload_limit }) => upload_limit === 8 * 1024);
  for (const [name, key] of [["Transfers at once", "running_jobs"], ["Connections per server", "server_connections"]]) {
    await field(name).fill("5");
    await page.keyboard.press("Tab");
    await kept(name, (all) => all[key] === 5);
  }
  for (const [shown, wanted] of [["5", 5], ["Automatic", "auto"]]) {
    await field("Connections per download").selectOption(shown);
    await kept(`${shown} connections`, ({ connections }) => connections === wanted);
  }
  await field("If the name is taken").selectOption("overwrite");
  await kept("the conflict", ({ on_conflict }) => on_conflict === "overwrite");
  await field("Proxy").fill("no proxy at all");
  await page.keyboard.press("Tab");
  const problem = dialog().getByRole("alert").getByText(/proxy/i);
  await problem.first().waitFor();
  // What was refused here is no news elsewhere.
  await dialog().getByRole("tab", { name: "Upload targets" }).click();
  assert.equal(await problem.count(), 0);
  await dialog().getByRole("tab", { name: "Transfers" }).click();
  await field("Proxy").fill("");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Escape");
  await closed();
  const before = await settings();
  assert.equal(before.download_folder, join(place.folder, "elsewhere"));
  await queue.rpc("settings_set", { ...before, download_folder: downloads(), download_limit: null, upload_limit: null, theme: "system" });
});

test("a schedule is written by all its controls, in the order of its rules", async () => {
  await openSettings("Schedule");
  await dialog().getByRole("button", { name: "Add rule" }).click();
  await dialog().getByRole("button", { name: "Add rule" }).click();
  const rule = (place) => dialog().getByRole("group", { name: `Rule ${place}` });
  for (const day of ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]) await rule(2).getByRole("button", { name: day }).click();
  await rule(2).getByRole("button", { name: "Mon" }).click();
  await rule(2).getByRole("button", { name: "Tue" }).click();
  await rule(2).getByLabel("From").fill("02:00");
  await rule(2).getByLabel("To", { exact: true }).fill("03:00");
  await rule(2).getByLabel("Download limit", { exact: true }).fill("2");
  await page.keyboard.press("Tab");
  await rule(2).getByRole("combobox", { name: "Download limit: KiB/s, MiB/s" }).selectOption("KiB/s");
  await rule(2).getByLabel("Upload limit", { exact: true }).fill("4");
  await page.keyboard.press("Tab");
  await rule(2).getByRole("combobox", { name: "Upload limit: KiB/s, MiB/s" }).selectOption("KiB/s");
  await rule(1).getByLabel("What it does").selectOption("pause");
  await dialog().getByRole("button", { name: "Move up: Rule 2" }).click();
  await dialog().getByRole("button", { name: "Save schedule" }).click();
  await until("it is kept", async () => (await settings()).schedule.length === 2);
  const [first, second] = (await settings()).schedule;
  assert.deepEqual([first.from_minute, first.to_minute, first.download_limit, first.upload_limit, first.pause], [120, 180, 2048, 4096, false]);
  assert.ok(second.pause);
  for (const place of [2, 1]) await dialog().getByRole("button", { name: `Remove: Rule ${place}` }).click();
  await dialog().getByRole("button", { name: "Discard" }).click();
  await rule(2).waitFor();
  for (const place of [2, 1]) await dialog().getByRole("button", { name: `Remove: Rule ${place}` }).click();
  await dialog().getByRole("button", { name: "Save schedule" }).click();
  await until("it is empty", async () => (await settings()).schedule.length === 0);
  await page.keyboard.press("Escape");
  await closed();
});

test("a rule for a server is written by all its controls and removed", async () => {
  await openSettings("Servers");
  await dialog().getByPlaceholder("example.org").fill("one.example.org");
  await dialog().getByRole("button", { name: "Add server" }).click();
  const of = (what) => dialog().getByLabel(`${what}: one.example.org`, { exact: true });
  await of("Connections").fill("3");
  await of("Transfers at once").fill("2");
  await of("Speed limit").fill("9");
  await page.keyboard.press("Tab");
  await dialog().getByRole("combobox", { name: "Speed limit: one.example.org: KiB/s, MiB/s" }).selectOption("KiB/s");
  const rules = async () => (await settings()).servers.map(({ host, connections, running_jobs, limit }) => [host, connections, running_jobs, limit].join());
  await until("it is kept", async () => (await rules()).join() === "one.example.org,3,2,9216", rules);
  await dialog().getByRole("button", { name: "Remove: one.example.org" }).click();
  await until("it is gone", async () => (await settings()).servers.length === 0);
  await page.keyboard.press("Escape");
  await closed();
});

test("an upload target is saved, changed without its address, and removed after a question", async () => {
  await page.getByRole("button", { name: "Save an upload target" }).click();
  const targets = async () => (await queue.rpc("snapshot")).targets.map(({ name, address }) => [name, address]);
  const field = (name) => dialog().getByLabel(name, { exact: true });
  await field("Name").fill("Attic");
  await field("Address").fill("gopher://nowhere/");
  await dialog().getByRole("button", { name: "Add target" }).click();
  await dialog().getByRole("alert").getByText(/gopher/).first().waitFor();
  await field("Address").fill("https://attic.example.org/in/");
  await dialog().getByRole("button", { name: "Add target" }).click();
  await dialog().getByRole("button", { name: "Edit Attic" }).click();
  await dialog().getByRole("button", { name: "Cancel", exact: true }).click();
  await dialog().getByRole("button", { name: "Edit Attic" }).click();
  await field("Name").fill("Cellar");
  await dialog().getByRole("button", { name: "Save target" }).click();
  await until("it is renamed", async () => JSON.stringify(await targets()).includes('["Cellar","https://attic.example.org/in/"]'));
  await dialog().getByRole("button", { name: "Remove Cellar" }).click();
  await picture(page, "target-question");
  await dialog().getByRole("button", { name: "Keep", exact: true }).click();
  await dialog().getByRole("button", { name: "Remove Cellar" }).click();
  assert.ok(JSON.stringify(await targets()).includes("Cellar"), "it is gone before the answer");
  await dialog().getByRole("button", { name: "Remove target" }).click();
  await until("it is gone", async () => !JSON.stringify(await targets()).includes("Cellar"));
  for (const [edit, name] of [["Edit NAS", "NAS"]]) {
    await dialog().getByRole("button", { name: edit }).click();
    await dialog().getByRole("button", { name: `Remove ${name}` }).click();
    await dialog().getByRole("button", { name: "Remove target" }).click();
  }
  await until("none is left", async () => (await targets()).length === 0);
  await page.keyboard.press("Escape");
  await closed();
});

test("what is finished is cleared, and comes back where the user says so", async () => {
  const finished = async () => (await jobs()).filter(({ phase }) => phase.kind === "completed" || phase.kind === "canceled").length;
  const had = await finished();
  assert.ok(had > 3);
  await choose("whole.bin", "Clear finished");
  await page.locator('[data-phase="completed"]').first().waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Undo" }).click();
  await page.locator('[data-phase="completed"]').first().waitFor();
  assert.equal(await finished(), had);
  await choose("whole.bin", "Clear finished");
  await until("they leave the queue", async () => (await finished()) === 0);
});

test("every control that this run has seen was used, and every screen was seen", () => {
  const { seen, used } = recorded();
  const screens = new Set([...seen].map((control) => control.split(" > ")[0]));
  assert.deepEqual([...screens].sort(), SCREENS);
  assert.deepEqual([...seen].filter((control) => !used.has(control)).sort(), []);
});
