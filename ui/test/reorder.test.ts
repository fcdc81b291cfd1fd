import { describe, expect, it } from "vitest";
import { movedTo, type ShownQueue, steppedTo } from "../src/state/reorder";
import { job } from "./samples";

/** Jobs 1 to 6 stand in the queue in this order. */
const jobs = () => [1, 2, 3, 4, 5, 6].map((id) => job(id, { position: id * 10 }));
const queue = (order: number[], isDescending = false): ShownQueue => ({ order, isDescending, jobs });
const all = queue([1, 2, 3, 4, 5, 6]);
const upsideDown = queue([6, 5, 4, 3, 2, 1], true);
const rows = (...ids: number[]) => new Set(ids);

describe("rows dropped into a gap", () => {
  it("go before the row below it, side by side in the order shown", () => {
    expect(movedTo(all, rows(5, 2), 3)).toEqual({ call: { ids: [2, 5], before: 4 }, order: [1, 3, 2, 5, 4, 6] });
    expect(movedTo(all, rows(6), 0)?.call).toEqual({ ids: [6], before: 1 });
    expect(movedTo(all, rows(1), 6)?.call).toEqual({ ids: [1], before: null });
  });

  it("change nothing where they already are", () => {
    for (const gap of [1, 2]) expect(movedTo(all, rows(2), gap)).toBeNull();
    expect(movedTo(all, rows(2, 3), 3)).toBeNull();
    expect(movedTo(all, rows(), 0)).toBeNull();
  });

  it("of a list sorted the other way round go where the eye puts them", () => {
    expect(movedTo(upsideDown, rows(1, 2), 0)).toEqual({ call: { ids: [1, 2], before: null }, order: [2, 1, 6, 5, 4, 3] });
    expect(movedTo(upsideDown, rows(6), 6)?.call).toEqual({ ids: [6], before: 1 });
    expect(movedTo(upsideDown, rows(5), 4)?.call).toEqual({ ids: [5], before: 3 });
  });

  it("of a filtered list go right behind the last row shown, not behind those hidden", () => {
    expect(movedTo(queue([1, 3, 4]), rows(1), 3)?.call).toEqual({ ids: [1], before: 5 });
    expect(movedTo(queue([4, 3, 1], true), rows(1), 0)?.call).toEqual({ ids: [1], before: 5 });
  });
});

describe("a step by a key", () => {
  it("moves one place and stops at the ends", () => {
    expect(steppedTo(all, rows(3), "up")?.order).toEqual([1, 3, 2, 4, 5, 6]);
    expect(steppedTo(all, rows(3), "down")?.order).toEqual([1, 2, 4, 3, 5, 6]);
    expect(steppedTo(all, rows(1), "up")).toBeNull();
    expect(steppedTo(all, rows(6), "down")).toBeNull();
  });

  it("gathers rows that are apart", () => {
    expect(steppedTo(all, rows(2, 5), "up")?.order).toEqual([2, 5, 1, 3, 4, 6]);
  });
});
