import type { ApiError } from "../gen/ApiError";
import type { FailureView } from "../gen/FailureView";
import type { Messages } from "./en";

/** What happened, and the next step. */
export interface Explanation {
  readonly what: string;
  readonly hint: string;
}

/** Where the name of the server goes. */
const HOST = "{host}";

/** A failure in the language of `texts`, built from its code and the server's name; the engine's own words where there are none. */
export function explainFailure(failure: Pick<FailureView, "code" | "message" | "hint">, host: string, texts: Messages): Explanation {
  const [what, hint] = texts.explained[failure.code] ?? [];
  if (what === undefined) return { what: failure.message, hint: failure.hint };
  return { what: what.replaceAll(HOST, host), hint: (hint ?? failure.hint).replaceAll(HOST, host) };
}

/** A refused call likewise. Where only the engine knows what is wrong with what was typed, its sentence follows. */
export function explainRefusal(refusal: ApiError, texts: Messages): Explanation {
  const [what, hint] = texts.explained[refusal.code] ?? [];
  return what === undefined ? { what: refusal.message, hint: refusal.hint } : { what, hint: hint ?? refusal.message };
}
