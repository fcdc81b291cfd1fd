import type { ScheduleRule } from "../gen/ScheduleRule";

/** The schedule being written: nothing of it is in force before it is saved. */
export class RuleDrafts {
  /** `null` while nothing has been changed. */
  private written = $state.raw<readonly ScheduleRule[] | null>(null);

  constructor(private readonly saved: () => readonly ScheduleRule[]) {}

  get rules(): readonly ScheduleRule[] {
    return this.written ?? this.saved();
  }

  get areChanged(): boolean {
    return this.written !== null && JSON.stringify(this.written) !== JSON.stringify(this.saved());
  }

  write(rules: readonly ScheduleRule[]): void {
    this.written = rules;
  }

  discard(): void {
    this.written = null;
  }
}
