import { describe, expect, it } from "vitest";
import type { Refusal } from "../src/gen/Refusal";
import { addressLines, isCurlCommand, offersDownloads, refusedText } from "../src/add/lines";
import { emptyOptions, jobOptions } from "../src/add/options";
import { job } from "./samples";

const refusal = (input: string): Refusal => ({ input, code: "X", message: "no", hint: "yes" });

describe("pasted text", () => {
  it.each([
    ["https://example.org/a", true],
    ["  ftp://example.org/a\n", true],
    ["curl -L 'https://example.org/a'", true],
    ["# a comment\nhttps://example.org/a", true],
    ["just some words", false],
    ["see https://example.org/a for more", false],
    ["", false],
  ])("%j offers downloads: %s", (text, expected) => {
    expect(offersDownloads(text)).toBe(expected);
  });

  it("has one address a line, without comments and empty lines", () => {
    expect(addressLines("a\r\n\n # no\n b ")).toEqual(["a", "b"]);
    expect(isCurlCommand("\n curl x")).toBe(true);
    expect(isCurlCommand("curly")).toBe(false);
  });
});

describe("after a call, the box keeps", () => {
  it("nothing when all was added", () => {
    expect(refusedText("a\nb", { jobs: [job(1), job(2)], refused: [] })).toBe("");
  });

  it("everything as typed when all was refused", () => {
    expect(refusedText("# note\nx y\n", { jobs: [], refused: [refusal("x y")] })).toBe("# note\nx y\n");
  });

  it("the refused lines as typed, secrets included, in their order", () => {
    const text = "https://a/1\ngopher://u:secret@b/2?token=abc\nhttps://c/3\nnonsense";
    const refused = [refusal("gopher://b/2?token=…"), refusal("nonsense")];
    expect(refusedText(text, { jobs: [job(1), job(2)], refused })).toBe("gopher://u:secret@b/2?token=abc\nnonsense");
  });

  it("a shortened line whole", () => {
    expect(refusedText("https://a/1\nxxxxxxxxxx", { jobs: [job(1)], refused: [refusal("xxxx…")] })).toBe("xxxxxxxxxx");
  });
});

describe("options", () => {
  it("leave out what was not filled in", () => {
    expect(jobOptions(emptyOptions())).toEqual({ headers: [], mirrors: [], netrc: false, allow_downgrade: false, priority: "normal", paused: false });
  });

  it("carry what was", () => {
    const fields = { ...emptyOptions(), connections: "4", rateLimit: 1024, headers: "A: b\n\n C: d ", user: "u", password: "p", checksum: " sha256:00 ", onConflict: "fail" as const };
    expect(jobOptions(fields)).toMatchObject({ connections: 4, rate_limit: 1024, headers: ["A: b", "C: d"], login: "u:p", checksum: "sha256:00", on_conflict: "fail" });
  });

  it("refuse a limit that is no number", () => {
    expect(jobOptions({ ...emptyOptions(), rateLimit: "invalid" })).toBe("bad_limit");
  });
});
