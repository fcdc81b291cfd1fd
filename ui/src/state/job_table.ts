import type { JobView } from "../gen/JobView";

/** Jobs that share a bucket. Small enough to copy per change, large enough that ten thousand jobs need few buckets. */
const BUCKET_BITS = 6;

type Bucket = ReadonlyMap<number, JobView>;

/**
 * The rows by their number, never changed in place: `with` gives a new table that shares every untouched bucket with
 * the old one, so a batch over 100 of 10,000 jobs copies some thousand references and not the table.
 */
export class JobTable implements Iterable<JobView> {
  static readonly empty = new JobTable(new Map(), 0);

  private constructor(
    private readonly buckets: ReadonlyMap<number, Bucket>,
    readonly size: number,
  ) {}

  static of(jobs: Iterable<JobView>): JobTable {
    return JobTable.empty.with(jobs, []);
  }

  get(id: number): JobView | undefined {
    return this.buckets.get(id >> BUCKET_BITS)?.get(id);
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  /** The table with `changed` put in (new or replaced) and `removed` taken out. */
  with(changed: Iterable<JobView>, removed: Iterable<number>): JobTable {
    const buckets = new Map(this.buckets);
    const copied = new Map<number, Map<number, JobView>>();
    const writable = (id: number): Map<number, JobView> => {
      const key = id >> BUCKET_BITS;
      let bucket = copied.get(key);
      if (bucket === undefined) {
        bucket = new Map(buckets.get(key));
        copied.set(key, bucket);
        buckets.set(key, bucket);
      }
      return bucket;
    };
    let size = this.size;
    for (const job of changed) {
      const bucket = writable(job.id);
      if (!bucket.has(job.id)) size += 1;
      bucket.set(job.id, job);
    }
    for (const id of removed) {
      if (writable(id).delete(id)) size -= 1;
    }
    for (const [key, bucket] of copied) if (bucket.size === 0) buckets.delete(key);
    return new JobTable(buckets, size);
  }

  *[Symbol.iterator](): Iterator<JobView> {
    for (const bucket of this.buckets.values()) yield* bucket.values();
  }

  /** All rows, in no promised order; faster than iterating. */
  toArray(): JobView[] {
    const jobs: JobView[] = [];
    for (const bucket of this.buckets.values()) bucket.forEach((job) => jobs.push(job));
    return jobs;
  }
}
