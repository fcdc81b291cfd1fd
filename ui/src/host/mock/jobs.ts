//! Believable jobs for a window without an engine.
import type { FailureView } from "../../gen/FailureView";
import type { JobView } from "../../gen/JobView";
import type { PhaseView } from "../../gen/PhaseView";
import { seeded } from "./seeded";

const MB = 1024 * 1024;
const GB = 1024 * MB;

const STATUS: Readonly<Record<string, number>> = { HTTP_GONE: 410, HTTP_SERVER_ERROR: 503 };

export const FAILURES = {
  gone: failure("HTTP_GONE", "files.example.net answered 410 for /share/broken.zip.", "The file was removed, or the link has expired: get a new link.", true),
  otherFile: failure("RENEWED_LINK_DIFFERS", "the new link is not the same file: it has 3328599654 bytes instead of 12582912", "Give a link to the same file; the bytes already saved are kept.", true),
  full: failure("DISK_FULL", "/media/archive has 1.2 GB left, dataset.tar needs 540 GB.", "Make room on the volume, then retry; the bytes already saved are kept.", true),
  checksum: failure("CHECKSUM_MISMATCH", "firmware-7.1.bin has the digest 41d0…, 9f2c… was expected.", "Compare the checksum with its source; if it is right, the file is not: retry to transfer it anew.", false),
  exists: failure("FILE_EXISTS", "/home/mara/Downloads/report.pdf exists.", "Choose another name, or allow a number behind the name.", true),
  offline: failure("NETWORK_NAME", "There is no network.", "Check your network connection; the job goes on when it is back.", true),
  resting: failure("HTTP_SERVER_ERROR", "mirror.example.org failed 8 times in a row and is left alone for a while.", "The server has a problem of its own; the job goes on when it answers.", true),
  refused: failure("NETWORK_REFUSED", "nas.local:8443 refused the connection.", "The server is down or the port is wrong; retry when it is up.", true),
} as const;

function failure(code: string, message: string, hint: string, can_resume: boolean): FailureView {
  return { code, message, hint, status: STATUS[code] ?? null, can_resume };
}

/** A job as it was just added. */
export function newJob(id: number, name: string, host: string, now: number): JobView {
  return {
    id,
    direction: "download",
    name,
    source: `https://${host}/pub/${name}`,
    destination: "/home/mara/Downloads",
    host,
    path: null,
    stored_at: null,
    wish: "run",
    phase: { kind: "queued" },
    progress: { id, length: null, moved: 0, durable: 0, rate: 0, seconds_left: null, active_connections: 0 },
    rate_limit: null,
    connections: null,
    priority: "normal",
    start_at_ms: null,
    position: id,
    created_ms: now,
    finished_ms: null,
    digest: null,
    verification: null,
    damage: null,
  };
}

interface Sample {
  readonly name: string;
  readonly host: string;
  readonly length: number | null;
  readonly share: number;
  readonly phase: PhaseView;
  readonly upload?: boolean;
  readonly more?: Partial<JobView>;
}

const DIGEST = "sha256:9f2c41a7d05e38b1c6f2a94e7b8d1053e6c7a2f4908b5d3e1a6c9f7028d4b5e3";

const samples = (now: number): Sample[] => [
  { name: "ubuntu-26.04-desktop-amd64.iso", host: "releases.example.org", length: 4.7 * GB, share: 0.71, phase: { kind: "running" } },
  { name: "footage-day3.mov", host: "nas.local:8443", length: 88 * GB, share: 0.23, phase: { kind: "running" }, upload: true },
  { name: "live-stream-recording.ts", host: "cdn.example.com", length: null, share: 0, phase: { kind: "running" } },
  { name: "common-crawl-2026-38.warc.gz", host: "data.example.edu", length: 1.1 * GB, share: 0.4, phase: { kind: "running" }, more: { rate_limit: 2 * MB } },
  { name: "model-weights-00003-of-00012.safetensors", host: "models.example.ai", length: 9.8 * GB, share: 1, phase: { kind: "verifying" } },
  { name: "osm-planet-latest.pbf", host: "planet.example.org", length: null, share: 0, phase: { kind: "probing" } },
  { name: "firmware-7.1.bin", host: "firmware.example.com", length: 48 * MB, share: 1, phase: { kind: "failed", failure: FAILURES.checksum } },
  { name: "broken.zip", host: "files.example.net", length: 12 * MB, share: 0.7, phase: { kind: "link_expired", failure: FAILURES.gone } },
  { name: "dataset.tar", host: "data.example.edu", length: 1.2 * 1024 * GB, share: 0.55, phase: { kind: "paused" }, more: { wish: "pause" } },
  { name: "backup-2026-11-20.tar.zst", host: "nas.local:8443", length: 31 * GB, share: 0.12, phase: { kind: "waiting", until_ms: now + 42_000, attempt: 3, cause: FAILURES.refused }, upload: true },
  { name: "report.pdf", host: "office.example.com", length: 3.4 * MB, share: 1, phase: { kind: "blocked", by: "name_taken", failure: FAILURES.exists } },
  { name: "archive-2019.tar", host: "data.example.edu", length: 540 * GB, share: 0.31, phase: { kind: "blocked", by: "room", failure: FAILURES.full } },
  { name: "podcast-118.mp3", host: "cdn.example.com", length: 61 * MB, share: 0.2, phase: { kind: "blocked", by: "network", failure: FAILURES.offline } },
  { name: "fedora-44-live.iso", host: "mirror.example.org", length: 2.3 * GB, share: 0.08, phase: { kind: "waiting", until_ms: now + 95_000, attempt: 8, cause: FAILURES.resting } },
  { name: "planet-extract.pbf", host: "planet.example.org", length: 1.4 * GB, share: 1, phase: { kind: "completed" }, more: { verification: "unverified", path: "/home/mara/Downloads/planet-extract.pbf", finished_ms: now - 86_400_000 } },
  { name: "nightly-mirror.tar.zst", host: "data.example.edu", length: 18 * GB, share: 0, phase: { kind: "queued" }, more: { start_at_ms: now + 7 * 3_600_000 } },
  { name: "debian-13.2.0-amd64-netinst.iso", host: "cdimage.example.org", length: 754 * MB, share: 1, phase: { kind: "completed" }, more: { verification: "checksum_given", digest: DIGEST, path: "/home/mara/Downloads/debian-13.2.0-amd64-netinst.iso", finished_ms: now - 600_000 } },
  { name: "invoice-10-2026.pdf", host: "office.example.com", length: 0.4 * MB, share: 1, phase: { kind: "completed" }, upload: true, more: { verification: "length", digest: DIGEST, path: "/home/mara/Documents/invoice-10-2026.pdf", finished_ms: now - 6_000_000 } },
  { name: "Übersicht der Messreihen 2026 – endgültige Fassung mit allen Anhängen und Korrekturen.pdf", host: "archiv.example.de", length: 22 * MB, share: 0, phase: { kind: "queued" } },
  { name: "old-nightly.tar.gz", host: "ci.example.org", length: 340 * MB, share: 0.3, phase: { kind: "canceled" }, more: { wish: "cancel" } },
];

/** One job of every kind there is, as a screen should be looked at. */
export function mixedJobs(now: number): JobView[] {
  return samples(now).map((sample, index) => {
    const id = 100 - index;
    const job = newJob(id, sample.name, sample.host, now - index * 420_000);
    const moved = sample.length === null ? 183 * MB : Math.round(sample.length * sample.share);
    const isRunning = sample.phase.kind === "running";
    const length = sample.length === null ? null : Math.round(sample.length);
    return {
      ...job,
      phase: sample.phase,
      progress: {
        ...job.progress,
        length,
        moved: sample.phase.kind === "probing" ? 0 : moved,
        durable: sample.phase.kind === "probing" ? 0 : isRunning ? Math.round(moved * 0.9) : moved,
        rate: isRunning ? 12.1 * MB : 0,
        seconds_left: isRunning && length !== null ? Math.round((length - moved) / (12.1 * MB)) : null,
        active_connections: isRunning ? 8 : 0,
      },
      ...(sample.upload ? uploadParts(sample.name, sample.host) : {}),
      ...sample.more,
    };
  });
}

function uploadParts(name: string, host: string): Partial<JobView> {
  return {
    direction: "upload",
    source: `/home/mara/Videos/${name}`,
    path: `/home/mara/Videos/${name}`,
    destination: `https://${host}/incoming/`,
  };
}

const KINDS = ["iso", "tar.zst", "mov", "zip", "parquet", "pdf", "img"] as const;

/** Many jobs for measurements: the first `running` of them run, the others are queued, paused, completed or failed. */
export function manyJobs(count: number, running: number, now: number): JobView[] {
  const random = seeded(7);
  return Array.from({ length: count }, (_, index) => {
    const id = index + 1;
    const kind = KINDS[Math.floor(random() * KINDS.length)] ?? "bin";
    const job = newJob(id, `set-${Math.floor(random() * 1e6)}-${id}.${kind}`, `host${id % 40}.example.org`, now - id * 1_000);
    const length = Math.round(random() * 8 * GB) + MB;
    const isRunning = index < running;
    const phase = isRunning ? { kind: "running" as const } : restingPhase(random());
    const share = phase.kind === "completed" ? 1 : phase.kind === "queued" ? 0 : random() * 0.3;
    const moved = Math.round(length * share);
    const rate = isRunning ? Math.round(random() * 20 * MB) + MB : 0;
    return {
      ...job,
      phase,
      wish: phase.kind === "paused" ? "pause" : "run",
      direction: id % 5 === 0 ? "upload" : "download",
      progress: { ...job.progress, length, moved, durable: Math.round(moved * 0.95), rate, active_connections: isRunning ? 8 : 0 },
      path: phase.kind === "completed" ? `/home/mara/Downloads/${job.name}` : null,
      finished_ms: phase.kind === "completed" ? now : null,
    };
  });
}

function restingPhase(chance: number): PhaseView {
  if (chance < 0.5) return { kind: "completed" };
  if (chance < 0.85) return { kind: "queued" };
  if (chance < 0.97) return { kind: "paused" };
  return { kind: "failed", failure: FAILURES.gone };
}
