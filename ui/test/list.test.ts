import { describe, expect, it } from "vitest";
import { heldPlace, ROW_HEIGHT, rowsInSight, scrolledTo, SPARE_ROWS } from "../src/jobs/window";
import { DEFAULT_COLUMNS, isStacked, readColumnChoice, resized, toggled, visibleColumns } from "../src/state/columns";

describe("the rows in sight", () => {
  it.each([
    [0, 360, 10_000, { first: 0, end: 10 + SPARE_ROWS }],
    [3_600, 360, 10_000, { first: 100 - SPARE_ROWS, end: 110 + SPARE_ROWS }],
    [0, 360, 3, { first: 0, end: 3 }],
    [0, 360, 0, { first: 0, end: 0 }],
    [99_999, 360, 10, { first: 9, end: 10 }],
  ])("scrolled to %s with %s in sight of %s rows", (top, height, count, expected) => {
    expect(rowsInSight(top, height, count, ROW_HEIGHT)).toEqual(expected);
  });

  it("scroll just far enough to show a row whole", () => {
    expect(scrolledTo(5, 0, 10 * ROW_HEIGHT, ROW_HEIGHT)).toBe(0);
    expect(scrolledTo(10, 0, 10 * ROW_HEIGHT, ROW_HEIGHT)).toBe(ROW_HEIGHT);
    expect(scrolledTo(2, 5 * ROW_HEIGHT, 10 * ROW_HEIGHT, ROW_HEIGHT)).toBe(2 * ROW_HEIGHT);
  });

  it("stay in place when rows come or go above, but not at the very top", () => {
    expect(heldPlace([1, 2, 3, 4], [9, 8, 1, 2, 3, 4], 2 * ROW_HEIGHT + 5, ROW_HEIGHT)).toBe(4 * ROW_HEIGHT + 5);
    expect(heldPlace([1, 2, 3, 4], [3, 4], 2 * ROW_HEIGHT, ROW_HEIGHT)).toBe(0);
    expect(heldPlace([1, 2, 3, 4], [1, 4], ROW_HEIGHT, ROW_HEIGHT)).toBe(-2 * ROW_HEIGHT + ROW_HEIGHT < 0 ? 0 : 0);
    expect(heldPlace([1, 2], [9, 1, 2], 0, ROW_HEIGHT)).toBe(0);
  });
});

describe("columns", () => {
  const keys = (width: number) => visibleColumns(DEFAULT_COLUMNS, width).map(({ key }) => key);

  it("have no room beside each other in a narrow list, whose rows have two lines then", () => {
    expect([200, 559].map(isStacked)).toEqual([true, true]);
    expect([560, 1_400].map(isStacked)).toEqual([false, false]);
    expect(keys(345)).toEqual(["name", "progress", "speed", "state"]);
    expect(visibleColumns(toggled(DEFAULT_COLUMNS, "speed"), 345).map(({ key }) => key)).toEqual(["name", "progress", "state"]);
    expect(isStacked(0), "a list that was not measured yet").toBe(false);
  });

  it("give way one by one as the list gets narrow; name and state never do", () => {
    expect(keys(1_400)).toEqual(["name", "size", "progress", "speed", "left", "state"]);
    expect(keys(750)).toEqual(["name", "size", "progress", "speed", "state"]);
    expect(keys(700)).toEqual(["name", "progress", "speed", "state"]);
    expect(keys(560)).toEqual(["name", "progress", "state"]);
  });

  it("can be hidden and resized, not below their least width", () => {
    expect(visibleColumns(toggled(DEFAULT_COLUMNS, "size"), 1_400).some(({ key }) => key === "size")).toBe(false);
    const narrow = visibleColumns(resized(DEFAULT_COLUMNS, "size", 3), 1_400).find(({ key }) => key === "size");
    expect(narrow?.width).toBe(64);
  });

  it.each([null, 7, "x", [], { widths: 3 }, { widths: { size: "wide", nonsense: 3 }, hidden: 4 }])(
    "read from a spoilt storage (%j) are the default ones",
    (stored) => {
      expect(readColumnChoice(stored)).toEqual(DEFAULT_COLUMNS);
    },
  );
});
