import { describe, expect, it } from "vitest";
import type { Refusal } from "../src/gen/Refusal";
import { addressLines, isCurlCommand, offersDownloads, refusedText } from "../src/add/lines";
import { ALGORITHMS, algorithms, readChecksum } from "../src/add/checksum";
import { filesNamed, isMetalink, metalinkAmong } from "../src/add/metalink";
import { emptyOptions, jobOptions } from "../src/add/options";
import { job } from "./samples";

const refusal = (input: string): Refusal => ({ input, code: "X", message: "no", hint: "yes" });

describe("pasted text", () => {
  it.each([
    ["https://example.org/a", true],
    ["  ftp://example.org/a\n", true],
    ["curl -L 'https://example.org/a'", true],
    ["# a comment\nhttps://example.org/a", true],
    ["curl.exe \"https://example.org/a\"", true],
    ["https://example.org/a\ta.iso\n  dir=isos", true],
    ["just some words", false],
    ["see https://example.org/a for more", false],
    ["", false],
  ])("%j offers downloads: %s", (text, expected) => {
    expect(offersDownloads(text)).toBe(expected);
  });

  it("has one address a line, without comments and empty lines", () => {
    expect(addressLines("a\r\n\n # no\n b ")).toEqual(["a", "b"]);
    expect(addressLines("https://a/1?x=1\n  out=b\n\thttps://a/2?y=2")).toEqual(["https://a/1?x=1", "https://a/2?y=2"]);
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

  it("a refused line with its name", () => {
    expect(refusedText("https://a/1\nhttps://b/2?k=1\tb.bin", { jobs: [job(1)], refused: [refusal("https://b/2?k=…")] })).toBe("https://b/2?k=1\tb.bin");
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
    const fields = { ...emptyOptions(), connections: 4, rateLimit: 1024, headers: "A: b\n\n C: d ", user: "u", password: "p", checksum: " crc32c:00C0FFEE ", onConflict: "fail" as const };
    expect(jobOptions(fields)).toMatchObject({ connections: 4, rate_limit: 1024, headers: ["A: b", "C: d"], login: "u:p", checksum: "crc32c:00c0ffee", on_conflict: "fail" });
  });

  it("refuse a limit that is no number", () => {
    expect(jobOptions({ ...emptyOptions(), rateLimit: "invalid" })).toBe("bad_limit");
    expect(jobOptions({ ...emptyOptions(), checksum: "sha256:00" })).toBe("bad_checksum");
  });

  it("carry mirrors, a start, and how the server is reached", () => {
    const fields = { ...emptyOptions(), mirrors: "https://b/\n https://c/ ", startAt: "2026-11-21T08:30", digest: "blake3" as const, netrc: true, cookieFile: " /c.txt ", allowDowngrade: true };
    expect(jobOptions(fields)).toMatchObject({
      mirrors: ["https://b/", "https://c/"],
      start_at_ms: new Date(2026, 10, 21, 8, 30).getTime(),
      digest: "blake3",
      netrc: true,
      cookie_file: "/c.txt",
      allow_downgrade: true,
    });
  });
});

describe("a checksum field", () => {
  it("reads each algorithm by its name and length", () => {
    for (const algorithm of algorithms()) {
      const digits = "aB".repeat(ALGORITHMS[algorithm].digits / 2);
      expect(readChecksum(`${algorithm.toUpperCase()}:${digits}`)).toEqual({ kind: "read", algorithm, checksum: `${algorithm}:${digits.toLowerCase()}` });
      expect(readChecksum(`${algorithm}:${digits}0`)).toMatchObject({ kind: "wrong_length", algorithm });
    }
  });

  it.each([
    ["", { kind: "empty" }],
    [
      `sha256:${"0".repeat(64)} md5:${"1".repeat(32)}`,
      { kind: "read", algorithm: "sha256", checksum: `sha256:${"0".repeat(64)} md5:${"1".repeat(32)}` },
    ],
    [`sha256:${"0".repeat(64)} md5:${"1".repeat(31)}`, { kind: "wrong_length", algorithm: "md5" }],
    ["0".repeat(40), { kind: "read", algorithm: "sha1" }],
    [`${"0".repeat(64)}  ubuntu.iso`, { kind: "read", algorithm: "sha256" }],
    [`SHA-512: ${"0".repeat(128)}`, { kind: "read", algorithm: "sha512" }],
    [`sha256=${"0".repeat(64)}`, { kind: "read", algorithm: "sha256" }],
    ["0".repeat(41), { kind: "wrong_length", digits: 41, algorithm: null }],
    ["md6:00", { kind: "unknown_algorithm", name: "md6" }],
    ["md5:xyz", { kind: "no_digits" }],
    ["hello", { kind: "no_digits" }],
  ])("reads %j", (typed, expected) => {
    expect(readChecksum(typed)).toMatchObject(expected);
  });
});

describe("a Metalink", () => {
  const document = `<?xml version="1.0"?>\n<!-- two --><metalink xmlns="urn:ietf:params:xml:ns:metalink"><file name="a"/><file name="b"></file></metalink>`;

  it("is known by its first element, and names its files", () => {
    expect([isMetalink(document), filesNamed(document), offersDownloads(document)]).toEqual([true, 2, true]);
    for (const text of ["", "<html>", "<metalinks>", `x${document}`]) expect(isMetalink(text), text).toBe(false);
  });

  it("is found among dropped files by its name and what is in it", async () => {
    const files = [new File(["x"], "a.txt"), new File(["<html>"], "b.meta4"), new File([document], "C.META4")];
    expect(await metalinkAmong(files)).toBe(document);
    expect(await metalinkAmong(files.slice(0, 2))).toBeNull();
  });
});
