import { describe, expect, it } from "vitest";
import { numberFormats } from "../src/format/number";
import type { FailureView } from "../src/gen/FailureView";
import type { JobView } from "../src/gen/JobView";
import { FAILURES } from "../src/host/mock/jobs";
import { canPause, canRenew, lacksLink, primaryAction, toggleOf } from "../src/jobs/actions";
import { factsOf } from "../src/jobs/facts";
import { progressLook } from "../src/jobs/progress";
import { joined, strips } from "../src/jobs/segment_strip";
import { niceTop } from "../src/jobs/speed_scale";
import { stateText } from "../src/jobs/state_text";
import { EMPTY_QUEUE } from "../src/state/queue";
import { en } from "../src/texts/en";
import { job } from "./samples";

const formats = numberFormats("en");
const desktop = { pick: true, open: true, reveal: true, drop_paths: true, save: false };
const browser = { pick: false, open: false, reveal: false, drop_paths: false, save: true };
const DAMAGE = { blocks: 2, bytes: 2048 };
const waiting: JobView["phase"] = { kind: "waiting", until_ms: 42_000, attempt: 2, cause: FAILURES.refused };

describe("the action on a row", () => {
  it.each<[JobView["phase"], string | null]>([
    [{ kind: "queued" }, "pause"],
    [{ kind: "probing" }, "pause"],
    [{ kind: "running" }, "pause"],
    [{ kind: "verifying" }, "pause"],
    [waiting, "try_now"],
    [{ kind: "blocked", by: "network", failure: FAILURES.offline }, "try_now"],
    [{ kind: "blocked", by: "room", failure: FAILURES.full }, "try_now"],
    [{ kind: "blocked", by: "name_taken", failure: FAILURES.exists }, "keep_both"],
    [{ kind: "link_expired", failure: FAILURES.gone }, "renew"],
    [{ kind: "paused" }, "resume"],
    [{ kind: "failed", failure: FAILURES.gone }, "retry"],
    [{ kind: "failed", failure: FAILURES.checksum }, "checksum"],
    [{ kind: "failed", failure: { ...FAILURES.checksum, code: "UNSUPPORTED" } }, "start_again"],
    [{ kind: "failed", failure: FAILURES.otherFile }, "renew"],
    [{ kind: "completed" }, "open"],
    [{ kind: "canceled" }, "again"],
  ])("of a job that is %j is %s", (phase, expected) => {
    expect(primaryAction(job(1, { phase, path: "/x" }), desktop)).toBe(expected);
  });

  it("offers only what the host can do, and nothing while a wish is on its way", () => {
    const completed = job(1, { phase: { kind: "completed" }, path: "/x" });
    expect(primaryAction(completed, browser)).toBe("save");
    expect(primaryAction({ ...completed, direction: "upload" }, browser)).toBeNull();
    expect(primaryAction({ ...completed, path: null }, desktop)).toBeNull();
    expect(primaryAction(completed, { ...desktop, open: false })).toBe("reveal");
    expect(primaryAction(job(1, { phase: { kind: "running" }, wish: "pause" }), desktop)).toBeNull();
    expect(canPause(job(1, { phase: { kind: "running" }, wish: "pause" }))).toBe(false);
  });

  it("mends what a comparison found damaged, unless it is being written", () => {
    const damaged = (phase: JobView["phase"]) => primaryAction(job(1, { phase, path: "/x", damage: DAMAGE }), desktop);
    expect([damaged({ kind: "completed" }), damaged({ kind: "paused" }), damaged({ kind: "running" })]).toEqual(["repair", "repair", "pause"]);
  });

  it("offers another link where the server answers with something else, not where the disk is full", () => {
    const failed = (failure: FailureView) => job(1, { phase: { kind: "failed", failure } });
    expect([lacksLink(failed(FAILURES.gone)), lacksLink(failed(FAILURES.full)), lacksLink(job(1, { phase: waiting }))]).toEqual([true, false, false]);
    expect([canRenew(job(1, { phase: waiting })), canRenew(job(1, { phase: { kind: "running" } }))]).toEqual([true, false]);
    expect(canRenew({ ...failed(FAILURES.gone), direction: "upload" })).toBe(false);
  });

  it("for several rows pauses while anything runs, else resumes", () => {
    const running = job(1, { phase: { kind: "running" } });
    const paused = job(2, { phase: { kind: "paused" }, wish: "pause" });
    const done = job(3, { phase: { kind: "completed" } });
    expect(toggleOf([running, paused, done])).toEqual({ call: "job_pause", ids: [1] });
    expect(toggleOf([paused, done])).toEqual({ call: "job_resume", ids: [2] });
    expect(toggleOf([done])).toBeNull();
  });
});

describe("progress", () => {
  const look = (phase: JobView["phase"], moved: number, durable: number, length: number | null) =>
    progressLook({ ...job(1, { phase }), progress: { ...job(1).progress, moved, durable, length } }, formats);

  it("tells what is safe from what has moved", () => {
    expect(look({ kind: "running" }, 80, 60, 100)).toEqual({ durable: 0.6, moved: 0.8, text: "80%", tone: "active" });
  });

  it("says 100 % only when the job is completed", () => {
    expect(look({ kind: "verifying" }, 100, 100, 100).text).toBe("99%");
    expect(look({ kind: "completed" }, 100, 100, 100).text).toBe("100%");
  });

  it("has a full bar only when the job is completed", () => {
    const shares = (kind: "verifying" | "completed") => {
      const { durable, moved } = look({ kind }, 100, 100, 100);
      return [durable, moved];
    };
    expect([shares("verifying"), shares("completed")]).toEqual([[0.99, 0.99], [1, 1]]);
    const failed = look({ kind: "failed", failure: FAILURES.checksum }, 100, 100, 100);
    expect(failed).toEqual({ durable: 0.99, moved: 0.99, text: "100 B", tone: "alarm" });
  });

  it("of an unknown length shows the bytes so far", () => {
    expect(look({ kind: "running" }, 2048, 0, null)).toEqual({ durable: "unknown", moved: "unknown", text: "2.00 KiB", tone: "active" });
  });
});

describe("the state of a row", () => {
  const name = (code: string) => (code === "HTTP_GONE" ? "Link expired" : null);
  const text = (change: Partial<JobView>, now = 0) => stateText(job(1, change), { texts: en, nameOf: name, now, formats });

  it("begins with the reason of a failure and its status, and ends with the server where it is the server's", () => {
    const state = text({ phase: { kind: "failed", failure: FAILURES.gone } });
    expect(state).toMatchObject({ text: "410 · Link expired", more: "example.org", isAlarm: true });
    const full = text({ phase: { kind: "failed", failure: { ...FAILURES.full, code: "HTTP_GONE", status: null } } });
    expect(full.text).toBe("Link expired");
    expect(text({ phase: { kind: "blocked", by: "room", failure: FAILURES.full } })).toMatchObject({ text: "Waiting for disk space", more: "" });
  });

  it("says that a file is damaged until it is repaired", () => {
    const damaged = { phase: { kind: "completed" } as const, path: "/x", damage: DAMAGE };
    expect(text(damaged)).toMatchObject({ text: "Damaged", more: "2.00 KiB", isAlarm: true });
    expect(stateText(job(1, damaged), { texts: en, nameOf: name, now: 0, formats, work: "repair" }).text).toBe("Repairing…");
  });

  it("says that the schedule holds a queued job up, and until when", () => {
    const limits = { download: null, upload: null, is_scheduled: true, until: null };
    const pause = { kind: "schedule" } as const;
    const now = new Date(2026, 0, 5, 12).getTime();
    const held = (until: { weekday: number; minute: number } | null, change: Partial<JobView> = {}) =>
      stateText(job(1, change), { texts: en, nameOf: name, now, formats, totals: { pause, limits: { ...limits, until } } }).text;
    expect(held({ weekday: 1, minute: 23 * 60 + 59 })).toMatch(/^Paused by schedule until 11:59.PM$/);
    expect(held({ weekday: 2, minute: 8 * 60 })).toMatch(/^Paused by schedule until Tue 8:00.AM$/);
    expect(held(null)).toBe("Paused by schedule");
    expect(held(null, { wish: "pause" })).toBe("Pausing");
  });

  it("says why nothing starts, of what is queued and of what could be tried again", () => {
    const words = (kind: "settings" | "unrecorded") => ({ texts: en, nameOf: name, now: 50_000, formats, totals: { ...EMPTY_QUEUE.totals, pause: { kind } } });
    expect(stateText(job(1), words("settings")).text).toBe("Held: the settings cannot be read");
    expect(stateText(job(1), words("unrecorded")).text).toBe("Held: the queue cannot be written");
    expect(stateText(job(1, { phase: waiting }), words("settings"))).toMatchObject({ text: "Held: the settings cannot be read", more: FAILURES.refused.message });
    expect(stateText(job(1, { phase: waiting }), { ...words("settings"), now: 30_500 }).text).toBe("Retries in 0:12");
  });

  it("falls back to the sentence for a code that this window does not know", () => {
    const failure = { ...FAILURES.gone, code: "NEWER_THAN_THIS" };
    expect(text({ phase: { kind: "failed", failure } })).toMatchObject({ text: failure.message, more: "" });
  });

  it("counts down to the next try", () => {
    expect(text({ phase: waiting }, 30_500)).toMatchObject({ text: "Retries in 0:12", isAlarm: false });
    expect(text({ phase: waiting }, 42_500).text).toBe("Retries now");
  });

  it("whose time to try again has passed says that it waits for a place", () => {
    expect(text({ phase: waiting }, 50_000)).toMatchObject({ text: "Waiting for its turn", more: FAILURES.refused.message });
  });

  it("is not starting again whenever a limit lets no connection move", () => {
    const at = (rate: number) => text({ phase: { kind: "running" }, progress: { ...job(1).progress, rate, active_connections: 0 } }).text;
    expect([at(0), at(1_000)]).toEqual(["Starting", "1 connection"]);
  });

  it("keeps the user's wish apart from the fact", () => {
    expect(text({ phase: { kind: "running" }, wish: "pause" }).text).toBe("Pausing");
    expect(text({ phase: { kind: "running" }, wish: "cancel" }).text).toBe("Canceling");
  });
});

describe("what the details say", () => {
  it("names the server that an upload goes to, and the file that a download has become", () => {
    const to = (change: Partial<JobView>) => factsOf(job(1, change), null, en, formats).find(({ name }) => name === en.details.to)?.value;
    const destination = "https://nas.example/in/";
    expect(to({ direction: "upload", source: "/a/b.mov", path: "/a/b.mov", destination })).toBe(destination);
    expect(to({ path: "/d/b (1).iso", destination: "/d" })).toBe("/d/b (1).iso");
    expect(to({ path: null, destination: "/d" })).toBe("/d");
  });

  it("calls what a server has acknowledged so, and what is on the disk saved", () => {
    const named = (direction: JobView["direction"]) => factsOf(job(1, { direction }), null, en, formats).map(({ name }) => name);
    expect(named("upload")).toContain(en.details.acknowledged);
    expect(named("upload")).not.toContain(en.details.saved);
    expect(named("download")).toContain(en.details.saved);
  });
});

describe("pictures", () => {
  it("join complete segments that touch, and no others", () => {
    const whole = (start: number, end: number) => ({ start, end, written: end - start, is_active: false });
    const active = { start: 30, end: 40, written: 5, is_active: true };
    const open = { start: 50, end: null, written: 10, is_active: false };
    expect(joined([whole(0, 10), whole(10, 30), active, whole(40, 50), open])).toEqual([whole(0, 30), active, whole(40, 50), open]);
    expect(joined([whole(0, 10), whole(20, 30)])).toHaveLength(2);
  });

  it("lay segments out as shares of the file", () => {
    const segments = [
      { start: 0, end: 50, written: 25, is_active: true },
      { start: 50, end: 100, written: 50, is_active: false },
    ];
    expect(strips(segments, 100)).toEqual([
      { start: 0, written: 0.25, end: 0.5, isActive: true },
      { start: 0.5, written: 1, end: 1, isActive: false },
    ]);
    expect(strips([{ start: 0, end: null, written: 10, is_active: true }], null)[0]?.written).toBeCloseTo(2 / 3);
    expect(strips([], 0)).toEqual([]);
  });

  it.each([
    [0, 1024],
    [1025, 2048],
    [9_000_000, 10 * 1024 * 1024],
    [900 * 1024 * 1024, 1024 * 1024 * 1024],
  ])("scale a graph of %s to %s", (rate, expected) => {
    expect(niceTop(rate)).toBe(expected);
  });
});
