// Takes a picture of every screen, in both themes and two widths: `npm run screens`, then look at screens/.
// WIDTHS, THEMES and LANGUAGES choose others; names of screens as arguments choose some.
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { launch } from "./browser.mjs";
import { serve } from "./serve.mjs";

const OUT = resolve(process.env.SCREENS ?? "screens");
const WIDTHS = (process.env.WIDTHS ?? "720,1600").split(",").map(Number);
const THEMES = (process.env.THEMES ?? "light,dark").split(",");
const LANGUAGES = (process.env.LANGUAGES ?? "en").split(",");

const row = (page, name) => page.locator("[data-job]", { has: page.getByText(name) }).first();
/** Brings a row into sight, wherever its state has put it. */
const reveal = async (page, name) => {
  const pattern = name instanceof RegExp ? name.source : name;
  await page.evaluate((wanted) => {
    const { engine, view } = window.ropeway.application;
    view.show(engine.queue.jobs.toArray().find(({ name }) => new RegExp(wanted).test(name)).id);
  }, pattern);
  await row(page, name).waitFor();
};
const openDetails = async (page, name, tab) => {
  await reveal(page, name);
  await row(page, name).click();
  await page.keyboard.press("Alt+Enter");
  if (tab) await page.getByRole("tab", { name: tab }).click();
  await page.waitForTimeout(300);
};

/** Name of the picture, query of the page, what to do before the shutter. */
const SCREENS = [
  ["empty", "jobs=0", async () => undefined],
  ["list", "", async () => undefined],
  ["list-selected", "", async (page) => {
    await row(page, "report.pdf").click();
    await row(page, "broken.zip").click({ modifiers: ["Control"] });
  }],
  ["overview", "still", (page) => openDetails(page, "ubuntu-26.04", null)],
  ["overview-done", "still", (page) => openDetails(page, "debian-13", null)],
  ["overview-failed", "still", (page) => openDetails(page, "firmware", null)],
  ["overview-expired", "still", (page) => openDetails(page, "broken.zip", null)],
  ["overview-name-taken", "still", (page) => openDetails(page, "report.pdf", null)],
  ["menu-expired", "still", (page) => row(page, "broken.zip").click({ button: "right" })],
  ["menu-name-taken", "still", (page) => row(page, "report.pdf").click({ button: "right" })],
  ["verify-damaged", "still", async (page) => {
    await openDetails(page, "planet-extract", null);
    await page.getByRole("button", { name: "Verify" }).click();
    await page.getByText("damaged blocks", { exact: false }).first().waitFor();
  }],
  ["checksum-offers", "still", async (page) => {
    await openDetails(page, "ubuntu-26.04", null);
    await page.getByRole("button", { name: "Find checksum" }).click();
    await page.getByRole("list", { name: "Checksums found" }).waitFor();
  }],
  ["renew", "still", async (page) => {
    await row(page, "broken.zip").getByRole("button", { name: /^Renew/ }).click();
    await page.getByRole("textbox", { name: "New link" }).fill("https://files.example.net/other/broken.zip?sig=new");
    await page.keyboard.press("Enter");
    await row(page, "broken.zip").getByRole("button", { name: /^Renew/ }).click();
    await page.getByRole("dialog").getByText("the new link is not the same file").waitFor();
  }],
  ["start-at", "still", async (page) => {
    await reveal(page, "nightly-mirror");
    await row(page, "nightly-mirror").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Start at…" }).click();
  }],
  ["segments", "still", (page) => openDetails(page, "ubuntu-26.04", "Segments")],
  ["speed", "still", (page) => openDetails(page, "ubuntu-26.04", "Speed")],
  ["log", "still", (page) => openDetails(page, "ubuntu-26.04", "Log")],
  ["menu", "still", (page) => row(page, "common-crawl").click({ button: "right" })],
  ["menu-columns", "still", (page) => page.getByRole("button", { name: "State" }).click({ button: "right" })],
  ["menu-add", "still", (page) => page.getByRole("button", { name: "More ways to add" }).click()],
  ["add", "still", async (page) => {
    await page.keyboard.press("Control+n");
    await page.getByLabel("Addresses").fill("https://example.org/a.iso\nhttps://example.org/b.iso");
  }],
  ["add-more", "still", async (page) => {
    await page.keyboard.press("Control+n");
    await page.getByText("More", { exact: true }).click();
  }],
  ["add-check", "still", async (page) => {
    await page.keyboard.press("Control+n");
    await page.getByText("More", { exact: true }).click();
    await page.getByLabel("Checksum", { exact: true }).fill("sha256:9f86d081884c7d65");
    await page.getByText("Allow a redirect").scrollIntoViewIfNeeded();
  }],
  ["add-refused", "still", async (page) => {
    await page.keyboard.press("Control+n");
    await page.getByLabel("Addresses").fill("https://example.org/a.iso\ngopher://old.example.org/x\nnot an address");
    await page.getByRole("button", { name: "Add 3 downloads" }).click();
    await page.waitForTimeout(200);
  }],
  ["add-upload", "still", async (page) => {
    await page.keyboard.press("Control+n");
    await page.getByRole("tab", { name: "Uploads" }).click();
    await page.getByRole("button", { name: "Choose files…" }).click();
  }],
  ["drop", "still", async (page) => {
    await page.evaluate(() => {
      const paths = ["/a/1.mov", "/a/2.mov", "/a/3.mov"];
      window.ropeway.host.drop({ kind: "enter", paths, x: innerWidth / 2, y: innerHeight / 2 });
    });
    await page.waitForTimeout(100);
    await page.evaluate(() => window.ropeway.host.drop({ kind: "over", x: innerWidth / 2, y: innerHeight / 2 }));
  }],
  ["remove", "still", async (page) => {
    await page.evaluate(() => window.ropeway.application.view.sortByQueue());
    await row(page, /^dataset.tar/).click();
    await row(page, "debian-13").click({ modifiers: ["Control"] });
    await page.keyboard.press("Delete");
  }],
  ["settings", "still", (page) => page.getByRole("button", { name: "Settings" }).click()],
  ["settings-transfers", "still", async (page) => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("tab", { name: "Transfers" }).click();
  }],
  ["settings-schedule", "still", async (page) => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("tab", { name: "Schedule" }).click();
    await page.getByRole("button", { name: "Add rule" }).click();
    await page.getByRole("button", { name: "Add rule" }).click();
    await page.getByLabel("What it does").last().selectOption("pause");
    await page.getByLabel("From").last().fill("23:00");
    await page.getByLabel("To", { exact: true }).last().fill("05:30");
    await page.keyboard.press("Tab");
  }],
  ["settings-servers", "still", async (page) => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("tab", { name: "Servers" }).click();
    await page.getByPlaceholder("example.org").fill(".example.org");
    await page.keyboard.press("Enter");
    await page.getByLabel("Connections: .example.org").fill("4");
  }],
  ["settings-targets", "still", async (page) => {
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("tab", { name: "Upload targets" }).click();
  }],
  ["reorder", "still", async (page) => {
    await page.evaluate(() => window.ropeway.application.view.sortByQueue());
    await row(page, /^dataset.tar/).click();
    await row(page, "firmware").click({ modifiers: ["Control"] });
    const from = await row(page, /^dataset.tar/).boundingBox();
    await page.mouse.move(from.x + 120, from.y + 18);
    await page.mouse.down();
    await page.mouse.move(from.x + 140, from.y - 60, { steps: 4 });
  }],
  ["reorder-refused", "still", async (page) => {
    await page.getByRole("button", { name: "Name", exact: true }).click();
    const from = await page.locator("[data-job]").nth(2).boundingBox();
    await page.mouse.move(from.x + 120, from.y + 18);
    await page.mouse.down();
    await page.mouse.move(from.x + 140, from.y - 60, { steps: 4 });
    await page.mouse.up();
  }],
  ["filtered", "still", (page) => page.getByRole("searchbox").fill("nothing like this")],
];

await mkdir(OUT, { recursive: true });
const only = process.argv.slice(2);
const server = await serve(resolve("dist-mock"));
const browser = await launch();
let problems = 0;
for (const width of WIDTHS) {
  for (const theme of THEMES) {
    for (const [name, query, prepare] of SCREENS) {
      if (only.length > 0 && !only.includes(name)) continue;
      const page = await browser.newPage({ viewport: { width, height: width === 720 ? 520 : 860 }, locale: "en" });
      page.on("console", (message) => {
        if (message.type() !== "error") return;
        problems += 1;
        console.error(`${name}: ${message.text()}`);
      });
      page.on("pageerror", (error) => {
        problems += 1;
        console.error(`${name}: ${error.message}`);
      });
      await page.goto(`${server.url}/mock.html?${query}&theme=${theme}`);
      await page.waitForSelector("main");
      page.setDefaultTimeout(4_000);
      await page.waitForTimeout(400);
      await prepare(page);
      // Each screen is prepared in English, whose words the steps above go by.
      for (const language of LANGUAGES) {
        await page.evaluate((spoken) => window.ropeway.speak(spoken), language);
        await page.waitForTimeout(150);
        await page.screenshot({ path: `${OUT}/${name}-${theme}-${width}${language === "en" ? "" : `-${language}`}.png` });
      }
      await page.close();
    }
  }
}
await browser.close();
server.close();
process.exitCode = problems === 0 ? 0 : 1;
