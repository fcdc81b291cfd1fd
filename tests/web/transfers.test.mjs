// A user with the page of the real daemon: adds, pauses, resumes, uploads, reloads.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inPhase, launch, open, picture, row } from "./browser.mjs";
import { daemon, scratch, share, tus, until } from "./programs.mjs";

const MB = 1024 * 1024;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

let place, queue, fast, browser, window;
const shared = () => join(place.folder, "shared");
const downloads = () => join(place.folder, "downloads");

before(async () => {
  place = await scratch();
  await mkdir(shared());
  await mkdir(downloads());
  await writeFile(join(shared(), "small.bin"), randomBytes(3 * MB));
  await writeFile(join(shared(), "large.bin"), randomBytes(12 * MB));
  await writeFile(join(place.folder, "to-send.bin"), randomBytes(2 * MB));
  [queue, fast, browser] = await Promise.all([daemon(place.folder), share(shared()), launch()]);
  window = await open(browser, queue.url);
});

after(async () => {
  await browser?.close();
  await Promise.all([queue?.stop(), fast?.stop()]);
  await place?.remove();
});

test("the token leaves the address bar and an empty queue teaches what to do", async () => {
  const { page } = window;
  assert.equal(new URL(page.url()).hash, "");
  await page.getByRole("heading", { name: "No transfers yet" }).waitFor();
  await picture(page, "empty");
});

test("a download added in the dialog arrives whole and with its checksum verified", async () => {
  const { page } = window;
  const digest = sha256(await readFile(join(shared(), "small.bin")));
  await page.keyboard.press("Control+n");
  await page.getByLabel("Addresses").fill(new URL("small.bin", fast.url).href);
  await page.getByLabel("Save in").fill(downloads());
  await page.getByText("More", { exact: true }).click();
  await page.getByLabel("Checksum", { exact: true }).fill(`sha256:${digest}`);
  await picture(page, "add");
  await page.getByRole("button", { name: "Add download", exact: true }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await inPhase(page, "small.bin", "completed");
  assert.equal(sha256(await readFile(join(downloads(), "small.bin"))), digest);
  await row(page, "small.bin").click();
  await page.keyboard.press("Alt+Enter");
  await page.getByText("Checksum verified").waitFor();
  await picture(page, "completed");
});

test("a line that is no address is refused with its reason and stays in the box", async () => {
  const { page } = window;
  await page.keyboard.press("Control+n");
  await page.getByLabel("Addresses").fill("gopher://old.example.org/x");
  await page.getByRole("button", { name: "Add download", exact: true }).click();
  await page.getByText("1 entry was refused").waitFor();
  assert.equal(await page.getByLabel("Addresses").inputValue(), "gopher://old.example.org/x");
  await picture(page, "refused");
  // What was typed is thrown away only by who says so.
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Keep editing" }).click();
  await page.getByRole("banner").getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
});

test("a failure names what happened and offers the next step", async () => {
  const { page } = window;
  await page.keyboard.press("Control+n");
  await page.getByLabel("Addresses").fill(new URL("missing.bin", fast.url).href);
  await page.getByLabel("Save in").fill(downloads());
  await page.getByRole("button", { name: "Add download", exact: true }).click();
  await inPhase(page, "missing.bin", "failed");
  await row(page, "missing.bin").getByText("File not found").waitFor();
  await row(page, "missing.bin").getByRole("button", { name: /^Retry/ }).waitFor();
  await picture(page, "failed");
});

test("a download that needs a login gets one where it stands", async () => {
  const { page } = window;
  const answer = `Basic ${Buffer.from("me:p:w d").toString("base64")}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization === answer) response.end("secret");
    else response.writeHead(401, { "WWW-Authenticate": 'Basic realm="x"' }).end();
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const options = { headers: [], priority: "normal", paused: false };
  await queue.rpc("job_add", { text: `http://127.0.0.1:${server.address().port}/locked.bin`, folder: downloads(), options });
  await inPhase(page, "locked.bin", "failed");
  await page.getByRole("navigation").getByRole("button", { name: /^Needs you \d/ }).waitFor();
  await row(page, "locked.bin").getByRole("button", { name: "Log in…" }).click();
  await page.getByLabel("User name").fill("me");
  await page.getByLabel("Password").fill("p:w d");
  await picture(page, "login");
  await page.getByRole("dialog", { name: "Log in" }).getByRole("button", { name: "Log in", exact: true }).click();
  await inPhase(page, "locked.bin", "completed");
  assert.equal(await readFile(join(downloads(), "locked.bin"), "utf8"), "secret");
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

test("a download pauses by its button, keeps what it has over a reload, and goes on to the end", async () => {
  const { page } = window;
  // Slow enough for whatever machine looks at it, until it has been looked at.
  const { settings } = await queue.rpc("snapshot");
  await queue.rpc("settings_set", { ...settings, download_limit: MB / 2 });
  await page.keyboard.press("Control+n");
  await page.getByLabel("Addresses").fill(new URL("large.bin", fast.url).href);
  await page.getByLabel("Save in").fill(downloads());
  await page.getByRole("button", { name: "Add download", exact: true }).click();
  await inPhase(page, "large.bin", "running");
  const bar = row(page, "large.bin").getByRole("progressbar");
  await page.waitForFunction(() => Number(document.querySelector('[data-phase="running"] [role=progressbar]')?.ariaValueNow) >= 10);
  await row(page, "large.bin").click();
  await page.getByRole("tab", { name: "Segments" }).click();
  await picture(page, "running");
  await row(page, "large.bin").getByRole("button", { name: /^Pause/ }).click();
  await inPhase(page, "large.bin", "paused");
  const kept = Number(await bar.getAttribute("aria-valuenow"));
  assert.ok(kept >= 10, `kept ${kept} %`);

  await page.reload();
  await inPhase(page, "large.bin", "paused");
  assert.ok(Number(await bar.getAttribute("aria-valuenow")) >= kept);
  await picture(page, "reloaded");

  await queue.rpc("settings_set", settings);
  // By the keyboard this time.
  await row(page, "large.bin").click();
  await page.keyboard.press("Space");
  await inPhase(page, "large.bin", "completed");
  const [sent, got] = await Promise.all([shared(), downloads()].map((folder) => readFile(join(folder, "large.bin"))));
  assert.equal(sha256(got), sha256(sent));
});

test("a typed path is uploaded to a target that is saved on the way", async () => {
  const { page } = window;
  await page.getByRole("button", { name: "More ways to add" }).click();
  await page.getByRole("menuitem", { name: "Upload files…" }).click();
  await page.getByLabel("Files and folders").fill(join(place.folder, "to-send.bin"));
  await page.getByLabel("Address", { exact: true }).fill(fast.url.href);
  await page.getByLabel("Save this target as").fill("Share");
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await inPhase(page, "to-send.bin", "completed");
  const [sent, got] = await Promise.all([place.folder, shared()].map((folder) => readFile(join(folder, "to-send.bin"))));
  assert.equal(sha256(got), sha256(sent));
  await page.getByRole("navigation").getByText("Share").waitFor();
  await picture(page, "uploaded");
});

test("an upload to tus that is paused in the page goes on where the server stands", async () => {
  const { page } = window;
  const folder = join(place.folder, "tus");
  await mkdir(folder);
  const server = await tus(folder);
  try {
    await writeFile(join(place.folder, "image.bin"), randomBytes(6 * MB));
    await page.getByRole("button", { name: "More ways to add" }).click();
    await page.getByRole("menuitem", { name: "Upload files…" }).click();
    await page.getByLabel("Files and folders").fill(join(place.folder, "image.bin"));
    await page.getByLabel("Upload to").selectOption({ label: "Another address" });
    await page.getByLabel("Address", { exact: true }).fill(server.target);
    const { settings } = await queue.rpc("snapshot");
    await queue.rpc("settings_set", { ...settings, upload_limit: 2 * MB });
    await page.getByRole("button", { name: "Upload", exact: true }).click();
    const job = async () => (await queue.rpc("snapshot")).jobs.find((job) => job.source.endsWith("image.bin"));
    await until("bytes of it", async () => ((await job())?.progress.moved ?? 0) > MB);
    await row(page, "image.bin").click();
    await page.keyboard.press("Space");
    await inPhase(page, "image.bin", "paused");
    await picture(page, "tus-paused");
    await queue.rpc("settings_set", settings);
    await page.keyboard.press("Space");
    await inPhase(page, "image.bin", "completed");
    await row(page, "image.bin").click();
    await page.getByRole("button", { name: "Copy: Stored at" }).click();
    const names = (await readdir(folder)).filter((name) => !name.endsWith(".json"));
    assert.equal(names.length, 1);
    const paths = [join(place.folder, "image.bin"), join(folder, names[0])];
    const [sent, got] = await Promise.all(paths.map((path) => readFile(path)));
    assert.equal(sha256(got), sha256(sent));
  } finally {
    await server.stop();
  }
});

test("pasted addresses open the dialog with them, other words do not", async () => {
  const { page } = window;
  const paste = (text) =>
    page.evaluate((pasted) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", pasted);
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }, text);
  await paste("just some words");
  assert.equal(await page.getByRole("dialog").count(), 0);
  await paste("https://example.org/a.iso\nhttps://example.org/b.iso");
  assert.equal(await page.getByLabel("Addresses").inputValue(), "https://example.org/a.iso\nhttps://example.org/b.iso");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("what is pasted with the keyboard stands in the dialog once", async () => {
  const { page, context } = await open(browser, queue.url, { permissions: ["clipboard-read", "clipboard-write"] });
  await page.evaluate(() => navigator.clipboard.writeText("https://example.org/once.iso"));
  await page.keyboard.press("Control+v");
  await page.getByRole("dialog").waitFor();
  assert.equal(await page.getByLabel("Addresses").inputValue(), "https://example.org/once.iso");
  await context.close();
});

test("a limit is taken as typed, and what is not taken is said", async () => {
  const { page, context } = await open(browser, queue.url);
  const inForce = async () => (await queue.rpc("snapshot")).settings.download_limit;
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("tab", { name: "Transfers" }).click();
  const limit = page.getByLabel("Download limit", { exact: true });
  for (const typed of ["0.5", "0.50"]) {
    await limit.fill(typed);
    await limit.press("Tab");
    await until("half a megabyte is in force", async () => (await inForce()) === MB / 2);
    assert.equal(await limit.inputValue(), typed);
    assert.equal(await page.getByLabel("Download limit: KiB/s, MiB/s").inputValue(), "MiB/s");
  }
  await limit.fill("abc");
  await limit.press("Tab");
  await page.getByText("Not in force: write a number above zero").waitFor();
  await page.getByLabel("Transfers at once").fill("65");
  await page.getByLabel("Transfers at once").press("Tab");
  await page.getByText("Not in force: write a whole number from 1 to 64.").waitFor();
  await limit.fill("700 K");
  await page.keyboard.press("Escape");
  await until("what was typed last is in force", async () => (await inForce()) === 700 * 1024);
  await queue.rpc("settings_set", { ...(await queue.rpc("snapshot")).settings, download_limit: null });
  await context.close();
});

/** Drags something over the middle of the window and drops it there. */
async function drop(page, fill, beforeDrop, argument) {
  const transfer = await page.evaluateHandle(fill, argument);
  const at = { clientX: 640, clientY: 360 };
  await page.dispatchEvent("main", "dragover", { dataTransfer: transfer, ...at });
  await beforeDrop();
  await page.dispatchEvent("main", "drop", { dataTransfer: transfer, ...at });
}

test("a dropped address is downloaded, a dropped file asks for its path, which a browser does not tell", async () => {
  const { page } = window;
  await queue.rpc("settings_set", { ...(await queue.rpc("snapshot")).settings, download_folder: downloads() });
  const address = new URL("small.bin", fast.url).href;
  const before = await row(page, "small").count();
  await drop(
    page,
    (dropped) => {
      const transfer = new DataTransfer();
      transfer.setData("text/uri-list", dropped);
      return transfer;
    },
    () => page.getByText("Drop to download").waitFor(),
    address,
  );
  // It was added before, which is asked about wherever a link comes from.
  await page.getByRole("button", { name: "Add again" }).click();
  await page.waitForFunction(
    (count) => [...document.querySelectorAll('[data-phase="completed"]')].filter((each) => each.textContent.includes("small")).length > count,
    before,
  );

  await drop(
    page,
    () => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["x"], "x.txt"));
      return transfer;
    },
    async () => {
      await page.getByText("Upload 1 file or folder to").waitFor();
      await picture(page, "drop");
    },
  );
  await page.getByText("A browser does not tell the paths of dropped files.").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

test("settings change at once and are kept", async () => {
  const { page } = window;
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByLabel("Theme").selectOption("dark");
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  await page.getByRole("tab", { name: "Transfers" }).click();
  await page.getByLabel("Download limit", { exact: true }).fill("2.5");
  await page.keyboard.press("Tab");
  await picture(page, "settings");
  await page.keyboard.press("Escape");
  // A reload takes back what is still on its way.
  await until("the limit is kept", async () => (await queue.rpc("snapshot")).settings.download_limit === 2.5 * MB);
  await page.reload();
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
});

test("removing a finished row asks nothing, can be taken back for a while, and leaves its file", async () => {
  const { page } = window;
  const isListed = async () => (await queue.rpc("snapshot")).jobs.some(({ name }) => name === "small.bin");
  await row(page, "small.bin").first().click();
  await page.keyboard.press("Delete");
  await page.getByRole("button", { name: "Undo" }).click();
  await row(page, "small.bin").first().waitFor();
  assert.ok(await isListed());
  await row(page, "small.bin").first().click();
  await page.keyboard.press("Delete");
  await row(page, "small.bin").waitFor({ state: "detached" });
  await until("it leaves the queue too", async () => !(await isListed()));
  await readFile(join(downloads(), "small.bin"));
});

test("a second window sees the same queue, and a wrong token sees none of it", async () => {
  const second = await open(browser, queue.url);
  await inPhase(second.page, "large.bin", "completed");
  await second.context.close();
  const stranger = await browser.newContext({ locale: "en" });
  const page = await stranger.newPage();
  const url = new URL(queue.url);
  url.hash = "token=0000";
  await page.goto(url.href);
  await page.getByRole("heading", { name: "This window is not known to the engine" }).waitFor();
  await stranger.close();
});

test("a daemon that went away is said so, and its rows stay in sight", async () => {
  const place = await scratch();
  const mortal = await daemon(place.folder);
  const { page, context } = await open(browser, mortal.url, { allows: /ERR_CONNECTION_REFUSED|WebSocket connection/ });
  const options = { headers: [], priority: "normal", paused: true };
  await mortal.rpc("job_add", { text: "http://127.0.0.1:9/kept.bin", folder: place.folder, options });
  await inPhase(page, "kept.bin", "paused");
  await mortal.stop();
  await page.getByText("Connection to the engine lost: what you see is from before. Trying again…").waitFor();
  assert.equal(await row(page, "kept.bin").count(), 1);
  assert.equal(await page.title(), "Connection lost – Ropeway");
  await picture(page, "lost");
  // Whoever listens there meanwhile is not shown the key.
  const shown = [];
  const stranger = createServer((request, response) => {
    shown.push(request.headers.authorization);
    response.end(JSON.stringify({ proof: "0".repeat(64) }));
  });
  await new Promise((listening) => stranger.listen(Number(mortal.url.port), "127.0.0.1", listening));
  // The page tries again at least every eight seconds.
  await page.getByRole("heading", { name: "This window is not known to the engine" }).waitFor({ timeout: 40_000 });
  assert.ok(shown.length > 0 && shown.every((token) => token === undefined), JSON.stringify(shown));
  stranger.closeAllConnections();
  await new Promise((closed) => stranger.close(closed));
  // The same queue again, at the same port: a bookmark has the key of the start before, which the stranger could have read.
  const again = await daemon(place.folder);
  assert.equal(again.url.origin, mortal.url.origin);
  assert.notEqual(again.token, mortal.token);
  await page.goto(new URL("/", again.url).href);
  await page.getByText("Run `ropeway open`").waitFor();
  await page.goto(again.url.href);
  await inPhase(page, "kept.bin", "paused");
  await page.goto(new URL("/", again.url).href);
  await inPhase(page, "kept.bin", "paused");
  await page.waitForFunction(() => document.title === "Ropeway");
  await again.stop();
  await context.close();
  await place.remove();
});

