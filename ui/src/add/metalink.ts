//! Metalink documents (RFC 5854): recognised here, read by the engine.

/** A document that names files, not a file of its own: more than this is none. */
const LARGEST_BYTES = 4 * 1024 * 1024;

export function isMetalink(text: string): boolean {
  return /^\uFEFF?\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*<metalink[\s>]/.test(text);
}

/** How many files it names; only for the words on a button. */
export function filesNamed(metalink: string): number {
  return metalink.match(/<file[\s>]/g)?.length ?? 0;
}

export function hasMetalinkName(name: string): boolean {
  return /\.(meta4|metalink)$/i.test(name);
}

/** The text of the first of these files that is a Metalink document; `null` if none is. */
export async function metalinkAmong(files: Iterable<File>): Promise<string | null> {
  for (const file of files) {
    if (!hasMetalinkName(file.name) || file.size > LARGEST_BYTES) continue;
    const text = await file.text();
    if (isMetalink(text)) return text;
  }
  return null;
}
