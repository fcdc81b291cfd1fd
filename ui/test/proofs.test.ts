import { describe, expect, it } from "vitest";
import type { VerifyReport } from "../src/gen/VerifyReport";
import { CallRefused, type Host } from "../src/host/host";
import { canSearchChecksum, canVerify } from "../src/jobs/actions";
import { comparison, damagedBytes, ProofDesk } from "../src/jobs/proofs.svelte";
import { marks } from "../src/jobs/segment_strip";
import { job } from "./samples";

const report = (damaged: [number, number][]): VerifyReport => ({
  id: 1,
  path: "/x",
  block_size: 10,
  compared: 100,
  length: 100,
  damaged: damaged.map(([start, end]) => ({ start, end })),
});

/** A host that answers calls by name; each call waits for its answer. */
function hostWith(answers: Record<string, () => unknown>): Host {
  const call = async (name: string) => answers[name]?.();
  return { call: call as Host["call"], subscribe: () => () => undefined, onNativeDrop: () => () => undefined };
}

describe("a comparison with what was recorded", () => {
  it("keeps the damage until a repair has fetched it again, and says how much that was", async () => {
    const desk = new ProofDesk(hostWith({ job_verify: () => report([[20, 30], [90, 100]]), job_repair: () => report([]) }));
    const verifying = desk.verify(1);
    expect(desk.of(1).work).toBe("verify");
    expect([desk.isReading(1), desk.isReading(2)]).toEqual([true, false]);
    await verifying;
    expect(damagedBytes(desk.of(1).report)).toBe(20);
    await desk.repair(1);
    expect(desk.of(1)).toMatchObject({ work: null, repaired: 20, report: { damaged: [] } });
    expect(desk.of(2).report).toBeNull();
  });

  it("that is refused says why and keeps what was known", async () => {
    const refusal = { code: "WRONG_PHASE" as const, message: "It runs.", hint: "Pause it." };
    let isRefused = false;
    const answer = () => {
      if (isRefused) throw new CallRefused(refusal);
      return report([[0, 10]]);
    };
    const desk = new ProofDesk(hostWith({ job_verify: answer }));
    await desk.verify(1);
    isRefused = true;
    await desk.verify(1);
    expect(desk.of(1)).toMatchObject({ work: null, problem: refusal, report: { damaged: [{ start: 0, end: 10 }] } });
  });

  it("is offered only where nothing writes to the file", () => {
    const saved = { ...job(1).progress, durable: 5 };
    const at = (kind: "paused" | "running" | "canceled" | "verifying") => canVerify(job(1, { phase: { kind }, progress: saved }));
    expect([at("paused"), at("running"), at("verifying"), at("canceled")]).toEqual([true, false, false, false]);
    expect(canVerify(job(1, { phase: { kind: "paused" } }))).toBe(false);
    expect(canVerify(job(1, { phase: { kind: "completed" }, path: "/x" }))).toBe(true);
    expect(canVerify(job(1, { phase: { kind: "completed" }, path: "/x", direction: "upload" }))).toBe(false);
  });

  it("draws damage where it lies in the file", () => {
    expect(marks([{ start: 25, end: 50 }], [], 100)).toEqual([{ start: 0.25, end: 0.5 }]);
    expect(marks([{ start: 25, end: 50 }], [], null)).toEqual([]);
  });
});

describe("an offered checksum", () => {
  it("is compared with the finished file only in the same algorithm", () => {
    const offer = (checksum: string | null) => ({ source: "x", checksum });
    expect(comparison(offer("sha256:AB"), "sha256:ab")).toBe("equal");
    expect(comparison(offer("sha256:cd"), "sha256:ab")).toBe("different");
    expect(comparison(offer("md5:cd"), "sha256:ab")).toBeNull();
    expect(comparison(offer(null), "sha256:ab")).toBeNull();
    expect(comparison(offer("sha256:cd"), null)).toBeNull();
  });

  it("is looked for unless the file was proved by one", () => {
    expect(canSearchChecksum(job(1))).toBe(true);
    expect(canSearchChecksum(job(1, { verification: "checksum_given" }))).toBe(false);
    expect(canSearchChecksum(job(1, { direction: "upload" }))).toBe(false);
  });
});
