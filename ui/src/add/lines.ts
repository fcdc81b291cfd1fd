import type { Added } from "../gen/Added";
import type { Refusal } from "../gen/Refusal";
import { isMetalink } from "./metalink";

/** The lines that the engine reads as addresses: not empty, no comment, no indented option of the address before. */
export function addressLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .filter((line) => !/^[ \t]+[a-z0-9-]+=/.test(line))
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** The address of a line: behind a TAB stands the file's name. */
function addressOf(line: string): string {
  return line.replace(/\t.*$/, "").trim();
}

export function isCurlCommand(text: string): boolean {
  return /^\s*(?:\$\s+)?curl(?:\.exe)?\s/.test(text);
}

/** Whether pasted or dropped text is something to download, and not just any words. */
export function offersDownloads(text: string): boolean {
  return isCurlCommand(text) || isMetalink(text) || addressLines(text).some((line) => /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(addressOf(line)));
}

/**
 * What stays in the box after a call: the refused lines as they were typed. The engine names them with their secrets
 * hidden and long ones shortened, so that a line is found by its address, in the order of the box.
 */
export function refusedText(text: string, { jobs, refused }: Added): string {
  if (refused.length === 0) return "";
  if (jobs.length === 0 || isCurlCommand(text) || isMetalink(text)) return text;
  const lines = addressLines(text);
  let from = 0;
  return refused
    .map((refusal) => {
      const at = lines.findIndex((line, index) => index >= from && isSameAddress(line, refusal));
      if (at < 0) return refusal.input;
      from = at + 1;
      return lines[at] ?? refusal.input;
    })
    .join("\n");
}

/** The text without the lines of these places, as the engine counts them. */
export function withoutLines(text: string, places: Iterable<number>): string {
  const out = new Set(places);
  return addressLines(text).filter((_, place) => !out.has(place)).join("\n");
}

function isSameAddress(line: string, { input }: Refusal): boolean {
  const address = addressOf(line);
  if (address === input) return true;
  const [typed, named] = [bare(address), bare(input)];
  return named.endsWith("…") ? typed.startsWith(named.slice(0, -1)) : typed === named;
}

/** An address without its login, query and fragment, where secrets live. */
function bare(address: string): string {
  return address.replace(/[?#].*$/, "").replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, "$1");
}
