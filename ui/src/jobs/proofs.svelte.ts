import { SvelteMap } from "svelte/reactivity";
import type { ApiError } from "../gen/ApiError";
import type { ChecksumOffer } from "../gen/ChecksumOffer";
import type { VerifyReport } from "../gen/VerifyReport";
import { asRefusal, type Host } from "../host/host";

export type ProofWork = "verify" | "repair" | "search";

/** What is known of a job's bytes beyond its row. */
export interface Proof {
  /** What is under way. */
  readonly work: ProofWork | null;
  readonly report: VerifyReport | null;
  /** Bytes that the last repair had to fetch again; 0 where nothing was repaired. */
  readonly repaired: number;
  readonly offers: readonly ChecksumOffer[] | null;
  readonly problem: ApiError | null;
}

const NOTHING_KNOWN: Proof = { work: null, report: null, repaired: 0, offers: null, problem: null };

/** Comparisons and searches of this window, by job: they outlive a look at another row. */
export class ProofDesk {
  private readonly proofs = new SvelteMap<number, Proof>();

  constructor(private readonly host: Host) {}

  of(id: number): Proof {
    return this.proofs.get(id) ?? NOTHING_KNOWN;
  }

  /** Whether this window waits for a comparison or a repair. */
  isReading(id: number): boolean {
    const { work } = this.of(id);
    return work === "verify" || work === "repair";
  }

  verify(id: number): Promise<void> {
    return this.carryOut(id, "verify", async () => ({ report: await this.host.call("job_verify", { id }), repaired: 0 }));
  }

  /** `damaged` is what is known to be damaged before. */
  repair(id: number, damaged = damagedBytes(this.of(id).report)): Promise<void> {
    return this.carryOut(id, "repair", async () => ({ report: await this.host.call("job_repair", { id }), repaired: damaged }));
  }

  search(id: number): Promise<void> {
    return this.carryOut(id, "search", async () => ({ offers: (await this.host.call("checksum_search", { id })).offers }));
  }

  /** Takes the offered checksum as the one that the finished file must have. */
  use(id: number, checksum: string): Promise<void> {
    return this.carryOut(id, "search", async () => {
      await this.host.call("job_change", { ids: [id], checksum });
      return { offers: null };
    });
  }

  private async carryOut(id: number, work: ProofWork, ask: () => Promise<Partial<Proof>>): Promise<void> {
    if (this.of(id).work !== null) return;
    this.proofs.set(id, { ...this.of(id), work, problem: null });
    const found = await ask().catch((thrown: unknown): Partial<Proof> => ({ problem: asRefusal(thrown) }));
    this.proofs.set(id, { ...this.of(id), ...found, work: null });
  }
}

export function damagedBytes(report: VerifyReport | null): number {
  return (report?.damaged ?? []).reduce((sum, { start, end }) => sum + end - start, 0);
}

/** How an offer stands to the digest that the finished file has; `null` where they cannot be compared. */
export function comparison(offer: ChecksumOffer, digest: string | null): "equal" | "different" | null {
  const algorithm = (text: string) => text.slice(0, text.indexOf(":"));
  if (offer.checksum === null || digest === null || algorithm(offer.checksum) !== algorithm(digest)) return null;
  return offer.checksum.toLowerCase() === digest.toLowerCase() ? "equal" : "different";
}
