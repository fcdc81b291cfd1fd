//! An engine of words only: keeps jobs, moves them along and tells of it as the real one does.
import type { Added } from "../../gen/Added";
import type { Batch } from "../../gen/Batch";
import type { Calls } from "../../gen/Calls";
import type { Event } from "../../gen/Event";
import type { JobView } from "../../gen/JobView";
import type { PhaseView } from "../../gen/PhaseView";
import type { Settings } from "../../gen/Settings";
import type { TargetView } from "../../gen/TargetView";
import type { VerifyReport } from "../../gen/VerifyReport";
import type { Totals } from "../../gen/Totals";
import { EMPTY_QUEUE } from "../../state/queue";
import { CallRefused, type CallName, type Params, type Reply } from "../host";
import { detailOf } from "./details";
import { FAILURES, newJob } from "./jobs";
import { isDamaged, offersOf, reportOf } from "./proofs";
import { doubtsChecksum } from "../../state/groups";
import { seeded } from "./seeded";
import { serversOf } from "./servers";

type Handlers = { [K in keyof Calls]: (params: Calls[K]["params"]) => Calls[K]["reply"] };

const NO_DOWNLOAD = { code: "WRONG_PHASE", message: "Only a download has a link.", hint: "Change the target instead." } as const;

export class MockEngine {
  seq = 0;
  jobs: Map<number, JobView>;
  settings: Settings = { ...EMPTY_QUEUE.settings, download_folder: "/home/mara/Downloads" };
  /** Checksums that were set later. */
  private readonly expected = new Map<number, string | null>();
  /** Damaged files that were repaired. */
  private readonly repaired = new Set<number>();
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
    const progress = { ...job.progress, moved: bytes, durable, rate, seconds_left, active_connections: typeof job.connections === "number" ? job.connections : 8 };
    if (bytes === length) {
      const done = { ...progress, durable: bytes, rate: 0, seconds_left: null, active_connections: 0 };
      return { ...job, progress: done, phase: { kind: "completed" }, finished_ms: this.now(), verification: "length" };
    }
    return { ...job, progress };
  }

  totals(): Totals {
    const { download_limit: download, upload_limit: upload } = this.settings;
    const limits = { ...EMPTY_QUEUE.totals.limits, download, upload };
    const totals: Totals = { download_rate: 0, upload_rate: 0, active: 0, waiting: 0, fraction: null, pause: null, limits };
    for (const job of this.jobs.values()) {
      if (job.phase.kind === "running") {
        totals.active += 1;
        totals[job.direction === "download" ? "download_rate" : "upload_rate"] += job.progress.rate;
      } else if (["queued", "waiting", "blocked"].includes(job.phase.kind)) totals.waiting += 1;
    }
    return totals;
  }

  private compared(id: number): VerifyReport {
    const report = reportOf(this.find(id), !isDamaged(this.find(id)) || this.repaired.has(id));
    const bytes = report.damaged.reduce((sum, { start, end }) => sum + end - start, 0);
    const damage = report.damaged.length === 0 ? null : { blocks: report.damaged.length, bytes };
    this.change([id], (job) => ({ ...job, damage }));
    return report;
  }

  private find(id: number): JobView {
    const job = this.jobs.get(id);
    if (job === undefined) throw new CallRefused({ code: "NOT_FOUND", message: `There is no job ${id}.`, hint: "It was removed." });
    return job;
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
      host: { pick: true, open: true, reveal: true, drop_paths: true },
      notices: [],
    }),
    job_add: ({ text, metalink, options }) => {
      const inside = [...(metalink ?? "").matchAll(/<url[^>]*>([^<]+)<\/url>/g)].map(([, url]) => url ?? "");
      const lines = metalink === undefined ? text.split("\n").map((line) => line.trim()).filter(Boolean) : inside.slice(0, 1);
      const added = this.add(lines, options.paused, false, "");
      if (options.start_at_ms === undefined) return added;
      const { start_at_ms } = options;
      this.change(added.jobs.map(({ id }) => id), (job) => ({ ...job, start_at_ms, phase: { kind: "queued" } }));
      return added;
    },
    upload_add: ({ paths, target, target_id, options }) => {
      const address = target ?? this.targets.find(({ id }) => id === target_id)?.address ?? "https://example.org/";
      return this.add(paths, options.paused, true, address);
    },
    job_pause: ({ ids }) => this.change(ids, (job) => ({ ...job, wish: "pause", phase: { kind: "paused" } })),
    job_resume: ({ ids }) => this.change(ids, (job) => ({ ...job, wish: "run", phase: { kind: "running" } })),
    job_cancel: ({ ids }) => this.change(ids, (job) => ({ ...job, wish: "cancel", phase: { kind: "canceled" } })),
    job_remove: ({ ids }) => ({ ...this.drop(ids), kept: [] }),
    pause_all: () => this.call("job_pause", { ids: this.ids("running", "queued", "probing", "waiting", "blocked") }),
    resume_all: () => this.call("job_resume", { ids: this.ids("paused") }),
    job_change: ({ ids, checksum, ...what }) => {
      if (checksum !== undefined) for (const id of ids) this.expected.set(id, checksum);
      const isCompared = checksum !== undefined;
      return this.change(ids, (job) => {
        if (!isCompared || !doubtsChecksum(job)) return { ...job, ...what };
        return { ...job, ...what, phase: { kind: "completed" }, path: `${job.destination}/${job.name}`, verification: checksum === null ? "length" : "checksum_given" };
      });
    },
    job_move: ({ ids, before }) => {
      const moved = new Set(ids);
      const others = [...this.jobs.values()].filter(({ id }) => !moved.has(id)).sort((a, b) => a.position - b.position);
      const at = before === null ? others.length : others.findIndex(({ id }) => id === before);
      const order = [...others.slice(0, at).map(({ id }) => id), ...ids, ...others.slice(at).map(({ id }) => id)];
      return this.change(order, (job) => ({ ...job, position: order.indexOf(job.id) }));
    },
    job_renew: ({ id, url }) => {
      const { host } = new URL(url);
      if (this.find(id).name.startsWith("footage")) throw new CallRefused(NO_DOWNLOAD);
      const phase: PhaseView = url.includes("other") ? { kind: "failed", failure: FAILURES.otherFile } : { kind: "running" };
      return this.change([id], (job) => ({ ...job, source: url, host, wish: "run", phase }));
    },
    job_answer: ({ id, choice }) =>
      this.change([id], (job) => {
        if (choice === "fail") return { ...job, phase: { kind: "failed", failure: FAILURES.exists } };
        const name = choice === "rename" ? job.name.replace(/(\.[^.]+)?$/, " (1)$1") : job.name;
        const path = `${job.destination}/${name}`;
        return { ...job, name, path, phase: { kind: "completed" }, finished_ms: this.now(), verification: "length" };
      }),
    job_verify: ({ id }) => this.compared(id),
    job_repair: ({ id }) => {
      this.repaired.add(id);
      return this.compared(id);
    },
    job_again: ({ ids }) => {
      const had = ids.map((id) => this.find(id));
      this.drop(had.filter(({ phase }) => phase.kind === "canceled").map(({ id }) => id));
      const added = had.map((job) => this.add([job.source], false, job.direction === "upload", job.destination).jobs);
      return { jobs: added.flat(), refused: [] };
    },
    job_address: ({ id }) => {
      const { source, destination } = this.find(id);
      return { source, destination, final_url: null };
    },
    job_find: ({ text }) => {
      const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
      const found = [...this.jobs.values()].filter(({ source }) => lines.includes(source));
      return { found: found.map(({ id, source }) => ({ id, line: lines.indexOf(source) })) };
    },
    checksum_search: ({ id }) => ({ offers: offersOf(this.find(id)) }),
    server_list: () => ({ servers: serversOf([...this.jobs.values()], this.now()) }),
    clear_finished: () => this.drop(this.ids("completed", "canceled")),
    job_detail: ({ id }) => {
      const detail = detailOf(this.find(id), this.now());
      return { ...detail, expected_digest: this.expected.get(id) ?? detail.expected_digest };
    },
    settings_set: (settings) => {
      this.settings = settings;
      this.tell({ kind: "settings", settings });
      return settings;
    },
    target_save: ({ id, name, address }) => {
      const had = this.targets.find((target) => target.id === id);
      const next = Math.max(0, ...this.targets.map((target) => target.id)) + 1;
      const saved = { id: had?.id ?? next, name, address: address || (had?.address ?? "") };
      this.targets = [...this.targets.filter((target) => target !== had), saved].sort((a, b) => a.name.localeCompare(b.name));
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
    host_open: () => ({ changed: 0 }),
    host_reveal: () => ({ changed: 0 }),
  };
}
