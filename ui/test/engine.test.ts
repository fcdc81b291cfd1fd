import { describe, expect, it } from "vitest";
import type { Batch } from "../src/gen/Batch";
import type { Snapshot } from "../src/gen/Snapshot";
import type { Host, LinkState } from "../src/host/host";
import { Engine } from "../src/state/engine.svelte";
import { batch, job, snapshotOf } from "./samples";

/** A host whose snapshots arrive only when the test says so. */
function slowHost() {
  const asked: ((snapshot: Snapshot | null) => void)[] = [];
  let tell: (batch: Batch) => void = () => undefined;
  let link: (link: LinkState) => void = () => undefined;
  const call = () =>
    new Promise((resolve, reject) => asked.push((snapshot) => (snapshot === null ? reject(new Error("lost")) : resolve(snapshot))));
  const host: Host = {
    call: call as Host["call"],
    subscribe: (onBatch, onLink) => {
      tell = onBatch;
      link = onLink;
      return () => undefined;
    },
    onNativeDrop: () => () => undefined,
  };
  return { host, asked, tell: (...args: Parameters<typeof batch>) => tell(batch(...args)), link: (state: LinkState) => link(state) };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const ids = (engine: Engine) => [...engine.queue.jobs].map(({ id }) => id).sort();

describe("the engine's queue in the window", () => {
  it("loses no batch that arrives while the snapshot is on its way", async () => {
    const { host, asked, tell, link } = slowHost();
    const engine = new Engine(host);
    engine.follow();
    link("open");
    tell(6, { kind: "jobs", jobs: [job(1)] });
    tell(7, { kind: "jobs", jobs: [job(2)] });
    tell(8, { kind: "jobs", jobs: [job(3)] });
    asked[0]?.(snapshotOf(7, [job(1), job(2)]));
    await settled();
    expect(ids(engine)).toEqual([1, 2, 3]);
    expect(engine.queue.seq).toBe(8);
    expect(engine.isLoaded).toBe(true);
  });

  it("starts again from a snapshot when a number is missing", async () => {
    const { host, asked, tell, link } = slowHost();
    const engine = new Engine(host);
    engine.follow();
    link("open");
    asked[0]?.(snapshotOf(1, []));
    await settled();
    tell(3, { kind: "jobs", jobs: [job(3)] });
    tell(4, { kind: "jobs", jobs: [job(4)] });
    expect(asked).toHaveLength(2);
    asked[1]?.(snapshotOf(3, [job(2), job(3)]));
    await settled();
    expect(ids(engine)).toEqual([2, 3, 4]);
  });

  it("takes a snapshot again when a lost line is back, also from an engine that counts from one again", async () => {
    const { host, asked, tell, link } = slowHost();
    const engine = new Engine(host);
    engine.follow();
    link("open");
    asked[0]?.(snapshotOf(90, [job(1)]));
    await settled();
    link("lost");
    link("open");
    asked[1]?.(snapshotOf(2, [job(5)]));
    await settled();
    tell(3, { kind: "jobs", jobs: [job(6)] });
    expect(ids(engine)).toEqual([5, 6]);
  });

  it("hands out offers and says that it lost the line when the snapshot fails", async () => {
    const { host, asked, tell, link } = slowHost();
    const engine = new Engine(host);
    const offers: string[] = [];
    engine.onOffer = ({ text }) => offers.push(text);
    engine.follow();
    link("open");
    asked[0]?.(null);
    await settled();
    expect(engine.link).toBe("lost");
    link("open");
    asked[1]?.(snapshotOf(0, []));
    await settled();
    tell(1, { kind: "offer", text: "https://a/", paths: [] });
    expect(offers).toEqual(["https://a/"]);
  });
});
