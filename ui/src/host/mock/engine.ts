//! An engine of words only: keeps jobs, moves them along and tells of it as the real one does.
import type { Added } from "../../gen/Added";
import type { Batch } from "../../gen/Batch";
import type { Calls } from "../../gen/Calls";
import type { Event } from "../../gen/Event";
import type { JobView } from "../../gen/JobView";
import type { Settings } from "../../gen/Settings";
import type { TargetView } from "../../gen/TargetView";
import type { Totals } from "../../gen/Totals";
import { CallRefused, type CallName, type Params, type Reply } from "../host";
import { detailOf } from "./details";
import { newJob } from "./jobs";
import { seeded } from "./seeded";

type Handlers = { [K in keyof Calls]: (params: Calls[K]["params"]) => Calls[K]["reply"] };

export class MockEngine {
  seq = 0;
  jobs: Map<number, JobView>;
  settings: Settings = {
    download_folder: "/home/mara/Downloads",
    running_jobs: 4,
    connections: 8,
    download_limit: null,
    upload_limit: null,
    on_conflict: "rename",
    theme: "system",
    notifications: true,
    told_about_tray: true,
  };
  private listeners = new Set<(batch: Batch) => void>();
  private readonly random = seeded(11);

  constructor(
    jobs: readonly JobView[],
    public targets: TargetView[],
    readonly now: () => number = Date.now,
  ) {
    this.jobs = new Map(jobs.map((job) => [job.id, job]));
  }

  subscribe(listener: (batch: Batch) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  call<K extends CallName>(name: K, params: Params<K>): Reply<K> {
    return (this.handlers[name] as (params: Params<K>) => Reply<K>)(params);
  }

  /** Tells all subscribers. */
  tell(...events: Event[]): void {
    this.seq += 1;
    for (const listener of this.listeners) listener({ seq: this.seq, events });
  }

  /** Moves every running job on by `seconds` and tells of it. */
  advance(seconds: number): void {
    const moved: JobView[] = [];
    const ended: JobView[] = [];
    for (const job of this.jobs.values()) {
      if (job.phase.kind !== "running") continue;
      const next = this.moved(job, seconds);
      this.jobs.set(job.id, next);
      (next.phase.kind === "running" ? moved : ended).push(next);
    }
    const events: Event[] = [];
    if (ended.length > 0) events.push({ kind: "jobs", jobs: ended });
    if (moved.length > 0) {
      events.push({ kind: "progress", jobs: moved.map(({ progress }) => progress), totals: this.totals() });
    }
    if (events.length > 0) this.tell(...events);
  }

  private moved(job: JobView, seconds: number): JobView {
    const top = job.rate_limit ?? 12.7e6 + (job.id % 7) * 4e6;
    const rate = Math.round(top * (job.rate_limit === null ? 0.8 + 0.4 * this.random() : 1));
    const { length } = job.progress;
    const bytes = Math.min(length ?? Number.MAX_SAFE_INTEGER, job.progress.moved + Math.round(rate * seconds));
    const durable = Math.max(job.progress.durable, bytes - rate * 3);
    const seconds_left = length === null ? null : Math.round((length - bytes) / rate);
    const progress = { ...job.progress, moved: bytes, durable, rate, seconds_left, active_connections: job.connections ?? 8 };
    if (bytes === length) {
      const done = { ...progress, durable: bytes, rate: 0, seconds_left: null, active_connections: 0 };
      return { ...job, progress: done, phase: { kind: "completed" }, finished_ms: this.now(), verification: "length" };
    }
    return { ...job, progress };
  }

  totals(): Totals {
    const totals: Totals = { download_rate: 0, upload_rate: 0, active: 0, waiting: 0, fraction: null };
    for (const job of this.jobs.values()) {
      if (job.phase.kind === "running") {
        totals.active += 1;
        totals[job.direction === "download" ? "download_rate" : "upload_rate"] += job.progress.rate;
      } else if (job.phase.kind === "queued" || job.phase.kind === "waiting") totals.waiting += 1;
    }
    return totals;
  }

  private change(ids: readonly number[], change: (job: JobView) => JobView): { changed: number } {
    const jobs = ids.flatMap((id) => this.jobs.get(id) ?? []).map(change);
    for (const job of jobs) this.jobs.set(job.id, job);
    if (jobs.length > 0) this.tell({ kind: "jobs", jobs }, { kind: "progress", jobs: [], totals: this.totals() });
    return { changed: jobs.length };
  }

  private drop(ids: readonly number[]): { changed: number } {
    const gone = ids.filter((id) => this.jobs.delete(id));
    if (gone.length > 0) this.tell({ kind: "removed", ids: gone }, { kind: "progress", jobs: [], totals: this.totals() });
    return { changed: gone.length };
  }

  private ids(...kinds: JobView["phase"]["kind"][]): number[] {
    return [...this.jobs.values()].filter(({ phase }) => kinds.includes(phase.kind)).map(({ id }) => id);
  }

  private add(entries: readonly string[], isPaused: boolean, isUpload: boolean, target: string): Added {
    const added: Added = { jobs: [], refused: [] };
    for (const entry of entries) {
      if (!isUpload && !/^https?:\/\/[^/]+/.test(entry)) {
        const hint = "Use an address that starts with http:// or https://.";
        added.refused.push({ input: entry, code: "SCHEME_UNSUPPORTED", message: `'${entry}' is no URL.`, hint });
        continue;
      }
      const id = Math.max(0, ...this.jobs.keys()) + 1;
      const host = new URL(isUpload ? target.replace(/^\w+\+/, "") : entry).host;
      const job = newJob(id, entry.split("/").at(-1) || "index.html", host, this.now());
      const length = 40_000_000 + Math.round(this.random() * 4e9);
      const phase = isPaused ? { kind: "paused" as const } : { kind: "running" as const };
      const whole: JobView = { ...job, source: entry, phase, wish: isPaused ? "pause" : "run", progress: { ...job.progress, length } };
      const sent: JobView = isUpload ? { ...whole, direction: "upload", destination: target, path: entry } : whole;
      this.jobs.set(id, sent);
      added.jobs.push(sent);
    }
    if (added.jobs.length > 0) this.tell({ kind: "jobs", jobs: added.jobs });
    return added;
  }

  private readonly handlers: Handlers = {
    snapshot: () => ({
      seq: this.seq,
      version: "0.1.0",
      jobs: [...this.jobs.values()],
      totals: this.totals(),
      settings: this.settings,
      targets: this.targets,
      host: { pick: true, reveal: true, drop_paths: true },
    }),
    job_add: ({ text, options }) =>
      this.add(text.split("\n").map((line) => line.trim()).filter(Boolean), options.paused, false, ""),
    upload_add: ({ paths, target, target_id, options }) => {
      const address = target ?? this.targets.find(({ id }) => id === target_id)?.address ?? "https://example.org/";
      return this.add(paths, options.paused, true, address);
    },
    job_pause: ({ ids }) => this.change(ids, (job) => ({ ...job, wish: "pause", phase: { kind: "paused" } })),
    job_resume: ({ ids }) => this.change(ids, (job) => ({ ...job, wish: "run", phase: { kind: "running" } })),
    job_cancel: ({ ids }) => this.change(ids, (job) => ({ ...job, wish: "cancel", phase: { kind: "canceled" } })),
    job_remove: ({ ids }) => this.drop(ids),
    pause_all: () => this.call("job_pause", { ids: this.ids("running", "queued", "probing", "waiting") }),
    resume_all: () => this.call("job_resume", { ids: this.ids("paused") }),
    job_change: ({ ids, ...what }) => this.change(ids, (job) => ({ ...job, ...what })),
    job_move: ({ ids, before }) => {
      const at = before === null ? 1e9 : (this.jobs.get(before)?.position ?? 0) - 1;
      return this.change(ids, (job) => ({ ...job, position: at + ids.indexOf(job.id) / (ids.length + 1) }));
    },
    clear_finished: () => this.drop(this.ids("completed", "canceled")),
    job_detail: ({ id }) => {
      const job = this.jobs.get(id);
      if (job === undefined) throw new CallRefused({ code: "NOT_FOUND", message: `There is no job ${id}.`, hint: "It was removed." });
      return detailOf(job, this.now());
    },
    settings_set: (settings) => {
      this.settings = settings;
      this.tell({ kind: "settings", settings });
      return settings;
    },
    target_save: ({ name, address }) => {
      const saved = { id: Math.max(0, ...this.targets.map(({ id }) => id)) + 1, name, address };
      this.targets = [...this.targets, saved].sort((a, b) => a.name.localeCompare(b.name));
      this.tell({ kind: "targets", targets: this.targets });
      return saved;
    },
    target_remove: ({ id }) => {
      this.targets = this.targets.filter((target) => target.id !== id);
      this.tell({ kind: "targets", targets: this.targets });
      return { changed: 1 };
    },
    host_pick: ({ kind }) => ({
      paths: kind === "folder" ? ["/home/mara/Archive"] : ["/home/mara/Videos/cut-1.mov", "/home/mara/Videos/cut-2.mov"],
    }),
    host_reveal: () => ({ changed: 1 }),
  };
}
