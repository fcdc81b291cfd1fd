/** Marks a branch that the types rule out; a new kind makes the call a compile error. */
export function assertNever(kind: never): never {
  throw new Error(`a kind that this window does not know: ${JSON.stringify(kind)}`);
}
