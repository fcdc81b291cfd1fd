import { describe, expect, it } from "vitest";
import type { FailureView } from "../src/gen/FailureView";
import type { JobView } from "../src/gen/JobView";
import { FAILURES } from "../src/host/mock/jobs";
import { seeded } from "../src/host/mock/seeded";
import { NO_COUNTS, Tally } from "../src/state/groups";
import { JobTable } from "../src/state/job_table";
import { applyEvents, EMPTY_QUEUE, fromSnapshot, offersOf, type QueueState } from "../src/state/queue";
import { batch, frozen, job, snapshotOf } from "./samples";

function applied(state: QueueState, ...args: Parameters<typeof batch>): QueueState {
  const result = applyEvents(state, batch(...args));
  if (result.kind === "gap") throw new Error("unexpected gap");
  return result.state;
}

const start = () => frozen(fromSnapshot(snapshotOf(4, [job(1), job(2, { phase: { kind: "running" } })])));
const totals = { ...EMPTY_QUEUE.totals, download_rate: 7 };

describe("a batch", () => {
  it("changes nothing in the state it is applied to", () => {
    const before = start();
    const copy = structuredClone([...before.jobs]);
    applied(before, 5, { kind: "jobs", jobs: [job(3), job(1, { name: "renamed" })] }, { kind: "removed", ids: [2] });
    expect([...before.jobs]).toEqual(copy);
    expect(before.counts.all).toBe(2);
  });

  it("that the snapshot contains already is passed over", () => {
    const before = start();
    expect(applied(before, 4, { kind: "removed", ids: [1] })).toBe(before);
  });

  it("that does not follow directly is a gap", () => {
    expect(applyEvents(start(), batch(6))).toEqual({ kind: "gap" });
  });

  it("adds, replaces and removes rows in the order of its events", () => {
    const after = applied(
      start(),
      5,
      { kind: "jobs", jobs: [job(3), job(1, { phase: { kind: "completed" } })] },
      { kind: "removed", ids: [3, 99] },
    );
    expect(after.seq).toBe(5);
    expect([...after.jobs].map(({ id }) => id).sort()).toEqual([1, 2]);
    expect(after.counts).toEqual({ ...NO_COUNTS, all: 2, active: 1, completed: 1, download: 2 });
  });

  it("with failures that only the user can mend counts them where the user is needed", () => {
    const failed = (failure: FailureView) => ({ kind: "failed", failure }) as const;
    const asking = ["HTTP_UNAUTHORIZED", "CHECKSUM_MISMATCH"].map((code, at) => job(7 + at, { phase: failed({ ...FAILURES.full, code }) }));
    const jobs = [job(5, { phase: failed(FAILURES.otherFile) }), job(6, { phase: failed(FAILURES.full) }), ...asking];
    expect(applied(start(), 5, { kind: "jobs", jobs }).counts).toMatchObject({ attention: 3, failed: 1 });
  });

  it("with the same row twice counts it once, as it was last", () => {
    const after = applied(start(), 5, { kind: "jobs", jobs: [job(7), job(7, { phase: { kind: "paused" } })] });
    expect(after.counts).toMatchObject({ all: 3, paused: 1, waiting: 1 });
  });

  it("of progress keeps every other row as the same object and does not count as a new order", () => {
    const before = start();
    const progress = { ...job(2).progress, moved: 50 };
    const after = applied(before, 5, { kind: "progress", jobs: [progress, { ...progress, id: 99 }], totals });
    expect(after.jobs.get(2)?.progress.moved).toBe(50);
    expect(after.jobs.get(1)).toBe(before.jobs.get(1));
    expect(after.jobs.has(99)).toBe(false);
    expect(after.revision).toBe(before.revision);
    expect(after.totals).toBe(totals);
  });

  it("replaces settings and targets whole, and hands out offers without keeping them", () => {
    const settings = { ...EMPTY_QUEUE.settings, running_jobs: 9 };
    const targets = [{ id: 1, name: "NAS", address: "https://nas/" }];
    const offer = { kind: "offer" as const, text: "https://a/", paths: ["/x"] };
    const after = applied(start(), 5, { kind: "settings", settings }, { kind: "targets", targets }, offer);
    expect(after.settings).toBe(settings);
    expect(after.targets).toBe(targets);
    expect(offersOf(batch(5, offer))).toEqual([{ text: "https://a/", paths: ["/x"] }]);
  });
});

describe("the state after many batches", () => {
  const KINDS: JobView["phase"][] = [{ kind: "queued" }, { kind: "running" }, { kind: "paused" }, { kind: "completed" }, { kind: "canceled" }];

  it("is that of a plain map with the same steps, counts included", () => {
    const random = seeded(3);
    const model = new Map<number, JobView>();
    let state = EMPTY_QUEUE;
    for (let seq = 1; seq <= 400; seq += 1) {
      const ids = Array.from({ length: 5 }, () => Math.floor(random() * 300));
      if (random() < 0.3) {
        state = applied(state, seq, { kind: "removed", ids });
        for (const id of ids) model.delete(id);
      } else {
        const jobs = ids.map((id) => job(id, { phase: KINDS[Math.floor(random() * KINDS.length)] ?? { kind: "queued" } }));
        state = applied(state, seq, { kind: "jobs", jobs });
        for (const each of jobs) model.set(each.id, each);
      }
    }
    const byId = (a: JobView, b: JobView) => a.id - b.id;
    expect(state.jobs.toArray().sort(byId)).toEqual([...model.values()].sort(byId));
    expect(state.jobs.size).toBe(model.size);
    const tally = new Tally(NO_COUNTS);
    for (const each of model.values()) tally.add(each, 1);
    expect(state.counts).toEqual(tally.result());
  });
});

describe("the table of jobs", () => {
  it("holds numbers that share no bucket and numbers that do", () => {
    const table = JobTable.of([job(0), job(63), job(64), job(1_000_000)]);
    expect([0, 63, 64, 1_000_000, 1].map((id) => table.has(id))).toEqual([true, true, true, true, false]);
    expect(table.with([], [0, 63]).size).toBe(2);
    expect(table.size).toBe(4);
  });
});
