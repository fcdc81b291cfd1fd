import { describe, expect, it } from "vitest";
import type { JobView } from "../src/gen/JobView";
import { FAILURES } from "../src/host/mock/jobs";
import { collationKey } from "../src/state/collation";
import { DEFAULT_SORT, NO_FILTER, orderedIds, type SortKey } from "../src/state/order";
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
    ["bands", false, [4, 3, 1, 2]],
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

  it("by bands shows what needs the user, what moves, what waits as it is started, and the newest end first", () => {
    const bands = [
      job(1, { phase: { kind: "completed" }, finished_ms: 1_000, position: 1 }),
      job(2, { phase: { kind: "canceled" }, finished_ms: null, created_ms: 1_500, position: 2 }),
      job(3, { phase: { kind: "completed" }, finished_ms: 2_000, position: 3 }),
      job(4, { phase: { kind: "queued" }, position: 5 }),
      job(5, { phase: { kind: "queued" }, position: 4 }),
      job(6, { phase: { kind: "paused" }, position: 6 }),
      job(7, { phase: { kind: "queued" }, priority: "high", position: 9 }),
      job(8, { phase: { kind: "queued" }, priority: "low", position: -7 }),
      job(9, { phase: { kind: "blocked", by: "network", failure: FAILURES.gone }, position: 7 }),
      job(10, { phase: { kind: "verifying" }, position: 11 }),
      job(11, { phase: { kind: "running" }, position: 10 }),
      job(12, { phase: { kind: "blocked", by: "room", failure: FAILURES.gone }, position: 20 }),
      job(13, { phase: { kind: "failed", failure: FAILURES.gone }, position: 19 }),
    ];
    expect(orderedIds(bands, NO_FILTER, DEFAULT_SORT)).toEqual([13, 12, 11, 10, 7, 5, 4, 6, 9, 8, 3, 2, 1]);
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
