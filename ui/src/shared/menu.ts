import type { IconName } from "./Icon.svelte";

/** An entry of a menu; a `separator` is a line. */
export type MenuEntry =
  | { readonly kind: "separator" }
  | {
      readonly kind: "entry";
      readonly label: string;
      readonly icon?: IconName;
      readonly shortcut?: string;
      readonly isDisabled?: boolean;
      readonly isChecked?: boolean;
      readonly choose: () => void;
    };

export const SEPARATOR: MenuEntry = { kind: "separator" };

/** Where a menu opens, in CSS pixels of the window. */
export interface MenuPlace {
  readonly x: number;
  readonly y: number;
}
