import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ar } from "../src/texts/ar";
import { de } from "../src/texts/de";
import { desktopWords } from "../src/texts/desktop";
import { en } from "../src/texts/en";
import { explainFailure, explainRefusal } from "../src/texts/explain";
import { zh } from "../src/texts/zh";

/** Every leaf of a catalogue with its path. */
function leaves(catalogue: object, path = ""): [string, unknown][] {
  return Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === "object" ? leaves(value, `${path}${key}.`) : [[`${path}${key}`, value] as [string, unknown]],
  );
}

describe.each(Object.entries({ en, de, zh, ar }))("the texts in %s", (_, catalogue) => {
  it("are none empty and are sentences for every count", () => {
    for (const [path, text] of leaves(catalogue)) {
      if (typeof text === "string") expect(text.trim(), path).not.toBe("");
      if (typeof text !== "function") continue;
      for (const count of [0, 1, 2, 5, 11, 100]) {
        const argument = path.startsWith("announce.") && path !== "announce.progress" ? Array(count).fill("x") : count;
        expect(String((text as (...args: unknown[]) => string)(argument, "y", "z")), path).not.toMatch(/undefined|NaN|\[object/);
      }
    }
  });
});

describe.each(Object.entries({ de, zh, ar }))("failures in %s", (_, { explained, failures }) => {
  it("are explained for every code there is, and name the server where one is meant", () => {
    const refusals = ["UNKNOWN_CALL", "BAD_PARAMS", "NOT_FOUND", "WRONG_PHASE", "UNSUPPORTED", "SHUTTING_DOWN"];
    expect(Object.keys(explained).sort()).toEqual([...Object.keys(failures), ...refusals].sort());
    const failure = { code: "NETWORK_REFUSED", message: "in English", hint: "in English" };
    const told = explainFailure(failure, "nas.example.org", { explained } as typeof de);
    expect(told.what).toContain("nas.example.org");
    expect(`${told.what}${told.hint}`).not.toMatch(/English|\{/);
    const refusal = explainRefusal({ code: "BAD_PARAMS", message: "at most 64 headers", hint: "x" }, { explained } as typeof de);
    expect(refusal.hint).toBe("at most 64 headers");
  });
});

describe("what the desktop says outside the window", () => {
  it("is built into it in English", () => {
    const builtIn = readFileSync("../src-tauri/src/language/en.json", "utf8");
    expect(JSON.parse(builtIn)).toEqual(desktopWords(en));
  });

  it.each(Object.entries({ de, zh, ar }))("is all said in %s, within the room there is", (_, texts) => {
    const { tray, notices } = desktopWords(texts);
    for (const [path, text] of leaves(tray)) expect((text as string).length, path).toBeLessThanOrEqual(80);
    for (const [path, text] of leaves({ ...notices, explained: {} })) expect((text as string).length, path).toBeLessThanOrEqual(300);
    for (const place of ["{what}", "{name}"]) expect(notices.titled).toContain(place);
    for (const text of [notices.from, notices.to]) expect(text).toContain("{host}");
    expect(notices.explained["DISK_FULL"]).toEqual({ what: texts.explained["DISK_FULL"]?.[0], hint: texts.explained["DISK_FULL"]?.[1] });
    expect(notices.explained["BAD_PARAMS"]?.hint).toBeNull();
  });
});

describe("the catalogue", () => {
  it("has no text that nothing shows", () => {
    const source = readdirSync("src", { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(ts|svelte)$/.test(file) && !/^(texts.(en|de|zh|ar)(_failures)?\.|gen)/.test(file))
      .map((file) => readFileSync(join("src", file), "utf8"))
      .join("\n");
    // Groups whose texts are looked up by a key of the engine or of a list.
    const looked = /^(failures|groups|columns|verified|validation|blocked|held|proving|comparison)\.|^add\.bad_/;
    const unused = leaves(en)
      .map(([path]) => path)
      .filter((path) => !looked.test(path) && !source.includes(path.includes(".") ? path : `.${path}`));
    expect(unused).toEqual([]);
  });
});
