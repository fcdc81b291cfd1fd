import { describe, expect, it } from "vitest";
import type { JobView } from "../src/gen/JobView";
import { FAILURES } from "../src/host/mock/jobs";
import { collationKey } from "../src/state/collation";
import { NO_FILTER, orderedIds, type SortKey } from "../src/state/order";
import { job } from "./samples";

const withProgress = (id: number, progress: Partial<JobView["progress"]>, change: Partial<JobView> = {}) => {
  const plain = job(id, change);
  return { ...plain, progress: { ...plain.progress, ...progress } };
};

const jobs = [
  withProgress(1, { length: 500, moved: 250, rate: 10, seconds_left: 25 }, { name: "File 10.bin", phase: { kind: "running" }, position: 3 }),
  withProgress(2, { length: null, moved: 10 }, { name: "file 9.bin", phase: { kind: "paused" }, position: 1 }),
  withProgress(3, { length: 100, moved: 90, rate: 5, seconds_left: 2 }, { name: "Äpfel.txt", phase: { kind: "running" }, position: 2 }),
  withProgress(4, { length: 900 }, { name: "zebra", phase: { kind: "failed", failure: FAILURES.gone }, direction: "upload", position: 4 }),
];

describe("order", () => {
  it.each<[SortKey, boolean, number[]]>([
    ["added", true, [4, 3, 2, 1]],
    ["queue", false, [2, 3, 1, 4]],
    ["name", false, [3, 2, 1, 4]],
    ["name", true, [4, 1, 2, 3]],
    ["size", false, [3, 1, 4, 2]],
    ["progress", true, [3, 1, 4, 2]],
    ["speed", true, [1, 3, 4, 2]],
    ["left", false, [3, 1, 2, 4]],
    ["state", false, [4, 1, 3, 2]],
  ])("by %s (descending: %s) is %s", (key, isDescending, expected) => {
    expect(orderedIds(jobs, NO_FILTER, { key, isDescending })).toEqual(expected);
  });

  it("of equal rows goes by their numbers", () => {
    expect(orderedIds([job(3), job(1), job(2)], NO_FILTER, { key: "host", isDescending: false })).toEqual([1, 2, 3]);
  });

  it.each([
    ["File 9", "file 10", true],
    ["file 010", "file 10", false],
    ["École", "ecole", false],
  ])("puts %s before %s: %s", (first, second, isBefore) => {
    expect(collationKey(first) < collationKey(second)).toBe(isBefore);
  });
});

describe("filters", () => {
  const shown = (filter: Partial<typeof NO_FILTER>) =>
    orderedIds(jobs, { ...NO_FILTER, ...filter }, { key: "queue", isDescending: false });

  it("by group, by direction and by words that must all occur", () => {
    expect(shown({ group: "active" })).toEqual([3, 1]);
    expect(shown({ group: "failed" })).toEqual([4]);
    expect(shown({ direction: "upload" })).toEqual([4]);
    expect(shown({ text: " FILE 9 " })).toEqual([2, 3, 1, 4].filter((id) => id === 2));
    expect(shown({ text: "äpfel example.org" })).toEqual([3]);
    expect(shown({ text: "nothing" })).toEqual([]);
  });
});
