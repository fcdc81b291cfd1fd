import type { ServerRule } from "../gen/ServerRule";

export const LEAST_COUNT = 1;
export const MOST_COUNT = 64;

/** A host name with or without its port; a leading dot means all names below it. */
export function isHostPattern(text: string): boolean {
  return /^[\p{L}\p{N}._:[\]-]+$/u.test(text.trim()) && /[^.]/.test(text.trim());
}

/** A whole number that a rule may hold: empty is `null` (as in the settings), anything else out of place `"invalid"`. */
export function parseCount(text: string): number | null | "invalid" {
  if (text.trim() === "") return null;
  const count = Number(text);
  return Number.isInteger(count) && count >= LEAST_COUNT && count <= MOST_COUNT ? count : "invalid";
}

/** The rules with one for `host` at the end; a host that has one already keeps it as it is. */
export function withHost(rules: readonly ServerRule[], host: string): ServerRule[] {
  const name = host.trim().toLowerCase();
  if (rules.some((rule) => rule.host === name)) return [...rules];
  return [...rules, { host: name, connections: null, running_jobs: null, limit: null }];
}
