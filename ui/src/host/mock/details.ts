import type { JobDetail } from "../../gen/JobDetail";
import type { JobView } from "../../gen/JobView";
import type { SegmentView } from "../../gen/SegmentView";
import { seeded } from "./seeded";

const SEGMENTS = 8;
const SAMPLES = 300;
const VALIDATIONS = ["strong_tag", "length_and_date", "overlap", "unverifiable", "changed"] as const;

/** Details that fit a mock row. */
export function detailOf(job: JobView, now: number): JobDetail {
  const random = seeded(job.id);
  const top = job.progress.rate === 0 ? 9e6 : job.progress.rate;
  const length = job.phase.kind === "queued" ? 0 : SAMPLES;
  return {
    job,
    final_url: job.direction === "download" ? job.source.replace("/pub/", "/mirror/eu/pub/") : null,
    entity_tag: '"5f2c-61a9b0c3d1e40"',
    entity_tag_is_strong: true,
    last_modified: "Thu, 19 Nov 2026 08:12:31 GMT",
    validation: job.progress.moved > 0 ? VALIDATIONS[job.id % VALIDATIONS.length] ?? null : null,
    expected_digest: job.verification === "checksum_given" ? job.digest : null,
    header_names: [],
    mirrors: /iso/.test(job.name) ? [`https://mirror.example.net/pub/${job.name}`, `https://ftp.example.edu/iso/${job.name}`] : [],
    segments: job.direction === "download" && job.progress.moved > 0 ? segmentsOf(job) : [],
    speed: Array.from({ length }, (_, at) => Math.round(top * (0.75 + 0.2 * Math.sin(at / 23) + 0.12 * random()))),
    proof: null,
    log: [
      { at_ms: now - 301_000, text: `Asked ${job.host}: 206, ranges accepted, ETag strong` },
      { at_ms: now - 300_000, text: `Planned ${SEGMENTS} segments` },
      { at_ms: now - 214_000, text: "Segment 3: connection lost after 212 MB; trying again in 1.2 s (attempt 2)" },
      { at_ms: now - 212_000, text: "Segment 3: continued at 212 MB, same version (strong ETag)" },
      { at_ms: now - 120_000, text: "Segment 5 split: 8 connections are fetching" },
    ],
  };
}

function segmentsOf(job: JobView): SegmentView[] {
  const { length, moved } = job.progress;
  if (length === null) return [{ start: 0, end: null, written: moved, is_active: true }];
  const step = Math.ceil(length / SEGMENTS);
  const share = moved / length;
  return Array.from({ length: SEGMENTS }, (_, index) => {
    const start = index * step;
    const end = Math.min(length, start + step);
    const uneven = job.phase.kind === "running" ? Math.min(1, share * (0.7 + 0.1 * ((index * 5) % 8))) : share;
    const written = Math.round((end - start) * uneven);
    return { start, end, written, is_active: job.phase.kind === "running" && written < end - start };
  });
}
