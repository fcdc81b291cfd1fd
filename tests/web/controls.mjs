// Which controls a run has seen, and which of them it has used.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, resolve } from "node:path";

const FOLDER = resolve(import.meta.dirname, "../artefacts/web/controls");

const seen = new Set();
const used = new Set();

/** Tells this process of every control of the pages of `context`: those in sight, and those that were used. */
export async function watchControls(context) {
  await context.exposeBinding("tellControls", (_, names, isUse) => {
    for (const name of names) (isUse ? used : seen).add(name);
  });
  await context.addInitScript(watch);
}

/** Forgets what earlier runs have recorded. */
export function forget() {
  rmSync(FOLDER, { recursive: true, force: true });
}

/** Everything that the test files of this run have seen and used. */
export function recorded() {
  keep();
  const records = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(resolve(FOLDER, name), "utf8")));
  const all = (key) => new Set(records.flatMap((record) => record[key]));
  return { seen: all("seen"), used: all("used") };
}

function keep() {
  if (seen.size === 0) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(resolve(FOLDER, `${basename(process.argv[1])}.json`), JSON.stringify({ seen: [...seen], used: [...used] }));
}

process.on("exit", keep);

/** Runs in the page, before everything else there. */
function watch() {
  const CONTROLS = "button, a[href], input, select, textarea, summary, [role=separator][tabindex], [role=grid], [data-job]";
  const LOOK_MS = 100;
  const later = window.setTimeout.bind(window);

  const textOf = (element) => {
    const parts = [];
    for (const node of element.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) parts.push(node.textContent);
      else if (node.nodeType === Node.ELEMENT_NODE && !node.matches("[aria-hidden=true], svg, kbd, .count")) parts.push(textOf(node));
    }
    return parts.join(" ");
  };
  const nameOf = (element) => {
    if (element.matches("[data-job]")) return "row";
    // A button that shows a value is named by what the value is of.
    const of = element.localName === "button" ? document.getElementById(element.getAttribute("aria-describedby") ?? "") : null;
    if (of !== null) return textOf(of).trim();
    const label = element.getAttribute("aria-label") ?? (element.labels?.[0] && textOf(element.labels[0]));
    const own = element.matches("input, select, textarea") ? "" : textOf(element);
    return (label || own.trim() || element.title || element.placeholder || "").replace(/\s+/g, " ").trim();
  };
  const roleOf = (element) => {
    const role = element.getAttribute("role");
    if (role !== null) return role;
    if (!element.matches("input")) return { a: "link", select: "combobox", textarea: "textbox" }[element.localName] ?? element.localName;
    return { checkbox: "checkbox", radio: "radio", number: "spinbutton", search: "searchbox" }[element.type] ?? "textbox";
  };
  // What differs from one run to the next, or from one row to another, is no part of a name.
  const plain = (name) =>
    name
      .replace(/\S*example\.org/g, "HOST")
      .replace(/\S+\.(bin|img|iso|mov|txt)\b/g, "FILE")
      .replace(/\b(Attic|Cellar|NAS|Share)\b/g, "TARGET")
      .replace(/sha256:\w+/g, "CHECKSUM")
      .replace(/[\d.,]+/g, "#");
  /** Screens whose controls have the name of what they act on, or a value, behind a colon. */
  const NAMED_BY_DATA = new Set(["list", "toolbar"]);
  const control = (element) => {
    const screen = element.closest("[data-screen]")?.dataset.screen ?? "nowhere";
    const name = plain(nameOf(element));
    return `${screen} > ${roleOf(element)} "${NAMED_BY_DATA.has(screen) ? name.replace(/: .*/, "") : name}"`;
  };
  // The same controls under other names are no other controls.
  const isForeign = () => document.documentElement.lang !== "en";

  const look = () => {
    if (isForeign()) return;
    const all = [...document.querySelectorAll(CONTROLS)].filter((element) => element.checkVisibility());
    if (all.length > 0) window.tellControls(all.map(control), false);
  };
  let isDue = false;
  const lookSoon = () => {
    if (isDue) return;
    isDue = true;
    later(() => {
      isDue = false;
      look();
    }, LOOK_MS);
  };
  const take = (event) => {
    const element = event.target instanceof Element ? event.target.closest(CONTROLS) : null;
    // Fields are filled by events of the test's own making, buttons are not.
    const isByHand = event.isTrusted || event.type === "change" || event.type === "input";
    if (element === null || !isByHand || isForeign()) return;
    look();
    window.tellControls([control(element)], true);
  };
  for (const kind of ["click", "dblclick", "contextmenu", "change", "input", "keydown"]) addEventListener(kind, take, true);
  new MutationObserver(lookSoon).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
}
