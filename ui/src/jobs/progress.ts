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
  const { moved, durable, length } = job.progress;
  const tone = toneOf(job);
  if (job.phase.kind === "completed") {
    return { durable: 1, moved: 1, text: formats.percent.format(1), tone };
  }
  const fraction = fractionDone(moved, length);
  if (fraction === "unknown") {
    return { durable: "unknown", moved: "unknown", text: moved > 0 ? formatSize(moved, formats) : "", tone };
  }
  const text = moved === 0 && tone !== "active" ? "" : formats.percent.format(wholePercent(fraction, false) / 100);
  // The bar ends where the number does: only what is completed is full.
  const most = (share: Fraction) => (share === "unknown" ? share : Math.min(MOST_UNFINISHED, share));
  return { durable: most(fractionDone(durable, length)), moved: most(fraction), text, tone };
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
