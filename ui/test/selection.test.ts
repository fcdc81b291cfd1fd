import { describe, expect, it } from "vitest";
import { allSelected, clicked, kept, NOTHING_SELECTED, pointedAt, type Selection, stepped } from "../src/state/selection";

const order = [10, 20, 30, 40, 50];
const none = { toggles: false, extends: false };
const ctrl = { toggles: true, extends: false };
const shift = { toggles: false, extends: true };
const marked = ({ ids }: Selection) => [...ids].sort((a, b) => a - b);
const at = (id: number) => clicked(NOTHING_SELECTED, order, id, none);

describe("a click", () => {
  it("marks one row, Ctrl adds and takes away, Shift marks the stretch from the anchor", () => {
    expect(marked(at(20))).toEqual([20]);
    const two = clicked(at(20), order, 40, ctrl);
    expect(marked(two)).toEqual([20, 40]);
    expect(marked(clicked(two, order, 20, ctrl))).toEqual([40]);
    expect(marked(clicked(at(40), order, 20, shift))).toEqual([20, 30, 40]);
    expect(marked(clicked(clicked(at(40), order, 20, shift), order, 50, shift))).toEqual([40, 50]);
  });

  it("with the right button keeps the marked rows only if it hits one", () => {
    const two = clicked(at(20), order, 40, ctrl);
    expect(marked(pointedAt(two, 20))).toEqual([20, 40]);
    expect(marked(pointedAt(two, 50))).toEqual([50]);
  });
});

describe("arrow keys", () => {
  it("move, stretch with Shift, only move the focus with Ctrl, and stop at the ends", () => {
    expect(marked(stepped(at(20), order, "down", 3, none))).toEqual([30]);
    expect(marked(stepped(at(10), order, "up", 3, none))).toEqual([10]);
    expect(marked(stepped(at(20), order, "page_down", 3, none))).toEqual([50]);
    expect(marked(stepped(at(20), order, "last", 3, shift))).toEqual([20, 30, 40, 50]);
    const moved = stepped(at(20), order, "down", 3, ctrl);
    expect([marked(moved), moved.focus]).toEqual([[20], 30]);
    expect(marked(stepped(NOTHING_SELECTED, order, "up", 3, none))).toEqual([50]);
    expect(stepped(at(20), [], "down", 3, none)).toEqual(NOTHING_SELECTED);
  });
});

describe("a change of the order", () => {
  it("keeps the very same selection while its rows stay", () => {
    const two = clicked(at(20), order, 40, ctrl);
    expect(kept(two, order, [40, 20, 60])).toBe(two);
  });

  it("unmarks rows that are out of sight, so that no key acts on them", () => {
    const all = allSelected(at(20), order);
    expect(marked(kept(all, order, [10, 50]))).toEqual([10, 50]);
  });

  it("marks the next row when the only one is gone, or the one before at the end", () => {
    expect(marked(kept(at(30), order, [10, 20, 40, 50]))).toEqual([40]);
    expect(marked(kept(at(50), order, [10, 20]))).toEqual([20]);
    expect(kept(at(50), order, [])).toEqual(NOTHING_SELECTED);
  });
});
