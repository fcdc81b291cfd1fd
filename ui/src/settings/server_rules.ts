import type { ServerRule } from "../gen/ServerRule";

/** A host name with or without its port; a leading dot means all names below it. */
export function isHostPattern(text: string): boolean {
  const pattern = text.trim();
  const hasNoPort = /^[^:]+:(?!\d+$)[^:]*$/.test(pattern);
  return /^[\p{L}\p{N}._:[\]-]+$/u.test(pattern) && /[^.]/.test(pattern) && !hasNoPort;
}

/** The server of what was typed, without the address around it; `null` where there is none. */
export function hostOf(text: string): string | null {
  const typed = text.trim();
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) && URL.canParse(typed) ? new URL(typed).host : typed;
  return isHostPattern(address) ? address : null;
}

/** The rules with one for `host` at the end; a host that has one already keeps it as it is. */
export function withHost(rules: readonly ServerRule[], host: string): ServerRule[] {
  const name = host.trim().toLowerCase();
  if (rules.some((rule) => rule.host === name)) return [...rules];
  return [...rules, { host: name, connections: null, running_jobs: null, limit: null }];
}
