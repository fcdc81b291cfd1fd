//! Checksums as people paste them: `algorithm:hex`, bare hexadecimal digits, or a line of `sha256sum`.

/** The engine's algorithms with the hexadecimal digits each has; of equal lengths the first is meant by bare digits. */
export const ALGORITHMS = {
  sha256: { name: "SHA-256", digits: 64 },
  sha512: { name: "SHA-512", digits: 128 },
  sha1: { name: "SHA-1", digits: 40 },
  md5: { name: "MD5", digits: 32 },
  blake3: { name: "BLAKE3", digits: 64 },
  crc32c: { name: "CRC-32C", digits: 8 },
} as const;

export type Algorithm = keyof typeof ALGORITHMS;

export type ChecksumReading =
  | { readonly kind: "empty" }
  | { readonly kind: "read"; readonly algorithm: Algorithm; readonly checksum: string }
  | { readonly kind: "unknown_algorithm"; readonly name: string }
  | { readonly kind: "no_digits" }
  | { readonly kind: "wrong_length"; readonly digits: number; readonly algorithm: Algorithm | null };

const NAMED = /^[a-z][a-z0-9-]*[:=]\S+$/i;

/** What stands in a checksum field, looked at with every key. */
export function readChecksum(typed: string): ChecksumReading {
  const text = typed.trim();
  if (text === "") return { kind: "empty" };
  const several = text.split(/\s+/);
  if (several.length > 1 && several.every((one) => NAMED.test(one))) return readAll(several);
  return readOne(text);
}

/** Of several, as a Metalink gives them, each must be right; what is wrong with the first that is not is told. */
function readAll(several: string[]): ChecksumReading {
  const readings = several.map(readOne);
  const wrong = readings.find(({ kind }) => kind !== "read");
  const read = readings.filter((reading) => reading.kind === "read");
  const first = read[0];
  if (wrong !== undefined || first === undefined) return wrong ?? { kind: "no_digits" };
  return { ...first, checksum: read.map(({ checksum }) => checksum).join(" ") };
}

function readOne(text: string): ChecksumReading {
  const [, prefix, rest] = /^([a-z][a-z0-9-]*)[:=]\s*(.*)$/i.exec(text) ?? [undefined, undefined, text];
  const named = prefix === undefined ? null : algorithmOf(prefix);
  if (prefix !== undefined && named === null) return { kind: "unknown_algorithm", name: prefix };
  // A line of sha256sum has the file's name behind the digits.
  const digits = (prefix === undefined ? (text.split(/\s/)[0] ?? "") : (rest ?? "")).toLowerCase();
  if (!/^[0-9a-f]*$/.test(digits)) return { kind: "no_digits" };
  const algorithm = named ?? byLength(digits.length);
  if (algorithm === null || digits.length !== ALGORITHMS[algorithm].digits) {
    return { kind: "wrong_length", digits: digits.length, algorithm: named };
  }
  return { kind: "read", algorithm, checksum: `${algorithm}:${digits}` };
}

export function algorithms(): Algorithm[] {
  return Object.keys(ALGORITHMS) as Algorithm[];
}

function algorithmOf(name: string): Algorithm | null {
  const bare = name.toLowerCase().replaceAll("-", "");
  return algorithms().find((algorithm) => algorithm === bare) ?? { sha: "sha1" as const, b3: "blake3" as const }[bare] ?? null;
}

function byLength(digits: number): Algorithm | null {
  return algorithms().find((algorithm) => ALGORITHMS[algorithm].digits === digits) ?? null;
}
