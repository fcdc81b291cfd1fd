import { describe, expect, it } from "vitest";
import { formatDuration } from "../src/format/duration";
import { fractionDone, wholePercent } from "../src/format/fraction";
import { numberFormats } from "../src/format/number";
import { parseRate, rateInput, type RateInput, withUnitApart } from "../src/format/rate_input";
import { formatExactSize, formatRate, formatSize } from "../src/format/size";

const en = numberFormats("en");
const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;

describe("sizes", () => {
  it.each([
    [null, "—"],
    [-1, "—"],
    [Number.NaN, "—"],
    [0, "0 B"],
    [999, "999 B"],
    [1000, "0.98 KiB"],
    [KB, "1.00 KiB"],
    [10 * KB, "10.0 KiB"],
    [100 * KB, "100 KiB"],
    [1023 * KB, "1.00 MiB"],
    [4.7 * GB, "4.70 GiB"],
    [1.2 * 1024 * GB, "1.20 TiB"],
    [Number.MAX_SAFE_INTEGER, "8.00 PiB"],
  ])("shows %s bytes as %s", (bytes, expected) => {
    expect(formatSize(bytes, en)).toBe(expected);
  });

  it("follows the language", () => {
    expect(formatSize(4.7 * GB, numberFormats("de"))).toBe("4,70 GiB");
    expect(formatSize(4.7 * GB, numberFormats("ar-u-nu-latn"))).toBe("\u20664.70 GiB\u2069");
    expect(formatRate(MB, numberFormats("ar"))).toMatch(/^\u2066.* MiB\/s\u2069$/);
    expect(formatExactSize(2048, en, "bytes")).toBe("2.00 KiB (2,048 bytes)");
  });

  it("shows a rate as bytes a second", () => {
    expect(formatRate(41 * MB, en)).toBe("41.0 MiB/s");
    expect(formatRate(null, en)).toBe("—");
  });
});

describe("durations", () => {
  it.each([
    [null, "—"],
    [-5, "—"],
    [Number.POSITIVE_INFINITY, "—"],
    [0, "0:00"],
    [0.2, "0:01"],
    [33, "0:33"],
    [59.5, "1:00"],
    [725, "12:05"],
    [5_527, "1:32:07"],
    [86_399, "23:59:59"],
    [86_400, "1d 0h"],
    [100 * 86_400, "—"],
  ])("shows %s seconds as %s", (seconds, expected) => {
    expect(formatDuration(seconds)).toBe(expected);
  });
});

describe("shares", () => {
  it.each([
    [0, null, "unknown"],
    [5, Number.NaN, "unknown"],
    [5, -1, "unknown"],
    [0, 0, 1],
    [1, 4, 0.25],
    [9, 4, 1],
    [-1, 4, 0],
  ] as const)("of %s in %s is %s", (done, total, expected) => {
    expect(fractionDone(done, total)).toBe(expected);
  });

  it("reach 100 % only when the job is completed", () => {
    expect(wholePercent(1, false)).toBe(99);
    expect(wholePercent(0.999, false)).toBe(99);
    expect(wholePercent(1, true)).toBe(100);
  });
});

describe("rate fields", () => {
  it.each<[RateInput, number | null | "invalid"]>([
    [{ typed: "", unit: "MiB/s" }, null],
    [{ typed: "  ", unit: "KiB/s" }, null],
    [{ typed: "2.5", unit: "MiB/s" }, 2.5 * MB],
    [{ typed: "2,5", unit: "MiB/s" }, 2.5 * MB],
    [{ typed: ".5", unit: "KiB/s" }, 512],
    [{ typed: "500", unit: "KiB/s" }, 500 * KB],
    [{ typed: "500K", unit: "MiB/s" }, 500 * KB],
    [{ typed: "2 MB", unit: "KiB/s" }, 2 * MB],
    [{ typed: "1,5 MiB/s", unit: "KiB/s" }, 1.5 * MB],
    [{ typed: "1g", unit: "KiB/s" }, GB],
    [{ typed: "900 B/s", unit: "MiB/s" }, 900],
    [{ typed: "2 MBit", unit: "KiB/s" }, "invalid"],
    [{ typed: "500 K M", unit: "KiB/s" }, "invalid"],
    [{ typed: "0", unit: "KiB/s" }, "invalid"],
    [{ typed: "-1", unit: "KiB/s" }, "invalid"],
    [{ typed: "fast", unit: "KiB/s" }, "invalid"],
    [{ typed: "1e3", unit: "KiB/s" }, "invalid"],
    [{ typed: "99999999999999999", unit: "MiB/s" }, "invalid"],
  ])("read %j as %s", (input, expected) => {
    expect(parseRate(input)).toBe(expected);
  });

  it("keep what was typed for the limit in force, with its unit", () => {
    const half: RateInput = { typed: "0.5", unit: "MiB/s" };
    expect(rateInput(512 * KB, half)).toEqual(half);
    expect(rateInput(null, { typed: "", unit: "KiB/s" })).toEqual({ typed: "", unit: "KiB/s" });
    expect(rateInput(MB, half)).toEqual({ typed: "1", unit: "MiB/s" });
  });

  it("move a typed unit to where the field has its own", () => {
    expect(withUnitApart({ typed: "500K", unit: "MiB/s" })).toEqual({ typed: "500", unit: "KiB/s" });
    expect(withUnitApart({ typed: "1G", unit: "KiB/s" })).toEqual({ typed: "1024", unit: "MiB/s" });
    expect(withUnitApart({ typed: "abc", unit: "KiB/s" })).toEqual({ typed: "abc", unit: "KiB/s" });
  });

  it.each([null, 1, 512, 1023, 1025, 314_573, 500 * KB, MB, MB + 1, 2.5 * MB, 1.5 * KB * KB])("give back the limit %s that they show", (limit) => {
    expect(parseRate(rateInput(limit))).toBe(limit);
  });
});
