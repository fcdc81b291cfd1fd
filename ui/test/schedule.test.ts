import { describe, expect, it } from "vitest";
import { numberFormats } from "../src/format/number";
import type { ScheduleRule } from "../src/gen/ScheduleRule";
import { daysText, fromTimeInput, NEW_RULE, nextChange, ruleInForce, ruleSentence, timeInput, toggledDay } from "../src/settings/schedule";
import { parseCount } from "../src/format/count_input";
import { hostOf, isHostPattern, withHost } from "../src/settings/server_rules";
import { en } from "../src/texts/en";

const formats = numberFormats("en-GB");
const night: ScheduleRule = { ...NEW_RULE, days: [5], from_minute: 22 * 60, to_minute: 6 * 60, pause: true };
const work = NEW_RULE;
/** The 20th of November 2026 is a Friday. */
const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute);

describe("the rule in force", () => {
  it.each([
    [at(20, 7, 59), null],
    [at(20, 8), 0],
    [at(20, 17, 59), 0],
    [at(20, 18), null],
    [at(20, 22), 1],
    [at(21, 5, 59), 1],
    [at(21, 6), null],
    [at(21, 22), null],
    [at(22, 12), null],
  ])("at %s is %s", (moment, expected) => {
    expect(ruleInForce([work, night], moment)).toBe(expected);
  });

  it("is the upper one where two fit", () => {
    const always = { ...work, days: [1, 2, 3, 4, 5, 6, 7], from_minute: 0, to_minute: 0 };
    expect(ruleInForce([night, always], at(20, 23))).toBe(0);
    expect(ruleInForce([always, night], at(20, 23))).toBe(0);
    expect(ruleInForce([night, always], at(22, 12))).toBe(1);
  });
});

describe("the next change", () => {
  it("is the next beginning or end that changes anything", () => {
    expect(nextChange([work, night], at(20, 9))).toEqual({ at: at(20, 18).getTime(), rule: null });
    expect(nextChange([work, night], at(20, 18))).toEqual({ at: at(20, 22).getTime(), rule: 1 });
    expect(nextChange([work, night], at(21, 7))).toEqual({ at: at(23, 8).getTime(), rule: 0 });
  });

  it("never comes without rules, or with one that always holds", () => {
    expect(nextChange([], at(20, 9))).toBeNull();
    const always = { ...work, days: [1, 2, 3, 4, 5, 6, 7], from_minute: 0, to_minute: 0 };
    expect(nextChange([always], at(20, 9))).toBeNull();
  });
});

describe("a rule in words", () => {
  it("says when and what", () => {
    expect(ruleSentence(work, en, formats)).toBe("Mon – Fri, 08:00 to 18:00: downloads 1.00 MiB/s, uploads 1.00 MiB/s");
    expect(ruleSentence(night, en, formats)).toBe("Fri, 22:00 to 06:00 of the next day: nothing moves");
  });

  it.each([
    [[1, 2, 3, 4, 5, 6, 7], "every day"],
    [[6, 7], "Sat, Sun"],
    [[1, 3, 4, 5, 7], "Mon, Wed – Fri, Sun"],
  ])("names the days %j as %s", (days, expected) => {
    expect(daysText(days, en, formats)).toBe(expected);
  });
});

describe("the fields of a rule", () => {
  it("keep times over the way there and back and one day at least", () => {
    for (const minute of [0, 9, 605, 1439]) expect(fromTimeInput(timeInput(minute))).toBe(minute);
    expect(fromTimeInput("")).toBeNull();
    expect(toggledDay([5], 5)).toEqual([5]);
    expect(toggledDay([5, 7], 6)).toEqual([5, 6, 7]);
    expect(toggledDay([5, 7], 5)).toEqual([7]);
  });
});

describe("rules for servers", () => {
  it("take host names only", () => {
    for (const text of ["example.org", ".example.org", "nas:8443", "[::1]:80", "bücher.example"]) expect(isHostPattern(text), text).toBe(true);
    expect(["http://nas.example:8080/x", "example.org", "a b/c"].map(hostOf)).toEqual(["nas.example:8080", "example.org", null]);
    for (const text of ["", ".", "nas:bar", "https://example.org", "a b", "a/b"]) expect(isHostPattern(text), text).toBe(false);
  });

  it("take counts from 1 to 64, or none", () => {
    expect([" ", "1", "64", "0", "65", "1.5", "x"].map(parseCount)).toEqual([null, 1, 64, "invalid", "invalid", "invalid", "invalid"]);
  });

  it("are one for each host", () => {
    const one = withHost([], " Example.org ");
    expect(one.map(({ host }) => host)).toEqual(["example.org"]);
    expect(withHost(one, "EXAMPLE.ORG")).toEqual(one);
  });
});
