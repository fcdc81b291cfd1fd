import type { JobView } from "../gen/JobView";
import { type Fraction, fractionDone, wholePercent } from "../format/fraction";
import type { NumberFormats } from "../format/number";
import { formatSize } from "../format/size";
import { isDamaged } from "../state/groups";
import { assertNever } from "../shared/assert_never";

export type Tone = "active" | "still" | "done" | "alarm" | "verifying";

/** How a row's bar and its words look. */
export interface ProgressLook {
  readonly durable: Fraction;
  readonly moved: Fraction;
  readonly text: string;
  readonly tone: Tone;
}

/** The bar of what is not completed ends here: the last of it is the proof and the name. */
const MOST_UNFINISHED = 0.99;

/** Honest progress: full and `100 %` only once the job is completed, bytes so far where the length is unknown. */
export function progressLook(job: JobView, formats: NumberFormats): ProgressLook {
  const { durable, length } = job.progress;
  const tone = toneOf(job);
  // What a server refused in the end it has not kept, however much of it was sent.
  const moved = job.direction === "upload" && job.phase.kind === "failed" ? durable : job.progress.moved;
  if (job.phase.kind === "completed") {
    return { durable: 1, moved: 1, text: formats.percent.format(1), tone };
  }
  const fraction = fractionDone(moved, length);
  if (fraction === "unknown") {
    return { durable: "unknown", moved: "unknown", text: moved > 0 ? formatSize(moved, formats) : "", tone };
  }
  // All bytes are here and something else is in the way: no share of them is missing.
  if (isWholeHere(job)) return { durable: MOST_UNFINISHED, moved: MOST_UNFINISHED, text: formatSize(moved, formats), tone };
  const text = moved === 0 && tone !== "active" ? "" : formats.percent.format(wholePercent(fraction, false) / 100);
  // The bar ends where the number does: only what is completed is full.
  const most = (share: Fraction) => (share === "unknown" ? share : Math.min(MOST_UNFINISHED, share));
  return { durable: most(fractionDone(durable, length)), moved: most(fraction), text, tone };
}

/** Whether a download has all its bytes but not its name: that is taken, or the checksum is another. */
export function isWholeHere({ direction, phase, progress }: JobView): boolean {
  const isHalted = phase.kind === "blocked" || phase.kind === "failed";
  return direction === "download" && isHalted && progress.length !== null && progress.length > 0 && progress.moved >= progress.length;
}

function toneOf(job: JobView): Tone {
  if (isDamaged(job)) return "alarm";
  switch (job.phase.kind) {
    case "running":
    case "probing":
      return "active";
    case "verifying":
      return "verifying";
    case "queued":
    case "waiting":
    case "paused":
    case "canceled":
    case "blocked":
      return "still";
    case "completed":
      return "done";
    case "failed":
    case "link_expired":
      return "alarm";
    default:
      return assertNever(job.phase);
  }
}
