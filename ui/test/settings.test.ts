import { describe, expect, it } from "vitest";
import type { Settings } from "../src/gen/Settings";
import { CallRefused, type Host } from "../src/host/host";
import { SettingsEdit } from "../src/settings/settings_edit.svelte";
import { EMPTY_QUEUE } from "../src/state/queue";

/** An engine that takes settings when the test says so, and tells of them when the test says so. */
function slowEngine() {
  let inForce = EMPTY_QUEUE.settings;
  const waiting: { wanted: Settings; answer: (settings: Settings) => void; refuse: (refusal: CallRefused) => void }[] = [];
  const call = (_: string, wanted: Settings) => new Promise((answer, refuse) => waiting.push({ wanted, answer, refuse }));
  const host: Host = { call: call as Host["call"], subscribe: () => () => undefined, onNativeDrop: () => () => undefined };
  const edit = new SettingsEdit(host, () => inForce);
  const tell = (settings: Settings) => {
    inForce = settings;
    edit.told();
  };
  return { edit, waiting, tell };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("settings being changed", () => {
  it("keep a first change that the engine has not told of when the second comes", async () => {
    const { edit, waiting, tell } = slowEngine();
    void edit.change({ running_jobs: 7 });
    void edit.change({ connections: 3 });
    await settled();
    expect(waiting.map(({ wanted }) => wanted.connections), "one call at a time").toEqual([EMPTY_QUEUE.settings.connections]);
    expect(edit.settings).toMatchObject({ running_jobs: 7, connections: 3 });
    for (const place of [0, 1]) {
      const { wanted, answer } = waiting[place] as (typeof waiting)[number];
      answer(wanted);
      tell(wanted);
      expect(edit.settings).toMatchObject({ running_jobs: 7, connections: 3 });
      await settled();
    }
    expect(edit.settings).toMatchObject({ running_jobs: 7, connections: 3 });
    tell({ ...edit.settings, running_jobs: 1 });
    expect(edit.settings.running_jobs, "what another window changed is shown").toBe(1);
  });

  it("that are refused go back to those in force and say why", async () => {
    const { edit, waiting } = slowEngine();
    const refusal = { code: "BAD_PARAMS" as const, message: "no", hint: "yes" };
    void edit.change({ proxy: "x" });
    await settled();
    waiting[0]?.refuse(new CallRefused(refusal));
    await settled();
    expect([edit.problem, edit.settings.proxy]).toEqual([refusal, null]);
  });
});
