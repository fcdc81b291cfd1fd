import { describe, expect, it } from "vitest";
import { formatMoment, fromLocalInput, localInput } from "../src/format/moment";
import { numberFormats } from "../src/format/number";
import { presets } from "../src/jobs/start_presets";
import { stateText } from "../src/jobs/state_text";
import { en } from "../src/texts/en";
import { job } from "./samples";

const formats = numberFormats("en-GB");
const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute).getTime();
const now = at(20, 23, 50);

describe("a moment to come", () => {
  it.each([
    [at(20, 23, 59), "23:59"],
    [at(21, 0, 5), "Sat 00:05"],
    [at(26, 8), "Thu 08:00"],
    [at(27, 8), "27 Nov 2026, 08:00"],
    [at(19, 8), "19 Nov 2026, 08:00"],
  ])("%s is told as %s", (moment, expected) => {
    expect(formatMoment(moment, now, formats)).toBe(expected);
  });

  it("survives its field to the minute, and an emptied field holds none", () => {
    expect(fromLocalInput(localInput(at(21, 0, 5)))).toBe(at(21, 0, 5));
    expect(fromLocalInput("")).toBeNull();
  });

  it("that is often meant lies ahead", () => {
    expect(presets(now)).toEqual({ inAnHour: at(21, 0, 50), tonight: at(21, 22), tomorrow: at(21, 8) });
    expect(presets(at(20, 3)).tomorrow).toBe(at(21, 8));
  });
});

describe("a queued row", () => {
  const text = (start_at_ms: number | null) => stateText(job(1, { start_at_ms }), { texts: en, nameOf: () => null, now, formats }).text;

  it("says when it starts, until that moment is over", () => {
    expect(text(at(21, 8))).toBe("Starts Sat 08:00");
    expect([text(null), text(now - 1)]).toEqual(["Waiting for its turn", "Waiting for its turn"]);
  });
});
