//! What the mock engine answers when bytes are to be proved: block digests, and checksums beside a file.
import type { ChecksumOffer } from "../../gen/ChecksumOffer";
import type { DamagedBlock } from "../../gen/DamagedBlock";
import type { JobView } from "../../gen/JobView";
import type { VerifyReport } from "../../gen/VerifyReport";

const BLOCK = 4 * 1024 * 1024;

/** Files of these names were damaged on the disk. */
const DAMAGED = /planet|firmware/;

export function isDamaged(job: JobView): boolean {
  return DAMAGED.test(job.name);
}

/** A report as of a comparison; `damaged` blocks lie at a quarter, side by side in the middle, and at the end. */
export function reportOf(job: JobView, isWhole: boolean): VerifyReport {
  const compared = job.progress.durable;
  const blocks = Math.floor(compared / BLOCK);
  const places = isWhole || blocks < 8 ? [] : [0.25, 0.5, 0.5 + 1 / blocks, 0.93].map((share) => Math.floor(blocks * share));
  const damaged: DamagedBlock[] = places.map((block) => ({ start: block * BLOCK, end: Math.min(compared, (block + 1) * BLOCK) }));
  const path = job.path ?? `${job.destination}/${job.name}.part`;
  return { id: job.id, path, block_size: BLOCK, compared, length: job.progress.length, damaged };
}

/** Checksum files that the file's server has. */
export function offersOf(job: JobView): ChecksumOffer[] {
  if (!/iso|weights|crawl/.test(job.name)) return [];
  const folder = job.source.slice(0, job.source.lastIndexOf("/") + 1);
  const sha256 = "9f2c41a7d05e38b1c6f2a94e7b8d1053e6c7a2f4908b5d3e1a6c9f7028d4b5e3";
  return [
    { source: `${folder}SHA256SUMS`, checksum: `sha256:${sha256}` },
    { source: `${job.source}.md5`, checksum: "md5:41d0b8f3a92c7e6514f0c8d2b7a39e56" },
    { source: `${folder}SHA256SUMS.asc`, checksum: null },
  ];
}
