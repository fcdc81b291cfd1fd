/** What a key asks of the window. */
export type Shortcut =
  | "toggle_pause"
  | "remove"
  | "remove_with_files"
  | "add"
  | "filter"
  | "select_all"
  | "open"
  | "details"
  | "escape";

/** The shortcut of a key press, or `null`. Keys typed into a field belong to the field, but for those with Ctrl. */
export function shortcutOf(event: KeyboardEvent): Shortcut | null {
  const field = isField(event.target);
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    switch (event.key.toLowerCase()) {
      case "n":
        return "add";
      case "f":
        return "filter";
      case "a":
        return field ? null : "select_all";
      default:
        return null;
    }
  }
  if (event.key === "Enter" && event.altKey && !field && !event.ctrlKey && !event.metaKey) return "details";
  if (field || event.ctrlKey || event.metaKey || event.altKey) return null;
  switch (event.key) {
    case " ":
      return isControl(event.target) ? null : "toggle_pause";
    case "Delete":
      return event.shiftKey ? "remove_with_files" : "remove";
    case "Enter":
      return isControl(event.target) ? null : "open";
    case "Escape":
      return "escape";
    default:
      return null;
  }
}

/** Whether text typed there is kept there. */
export function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** Whether Space and Enter already mean something there. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("button, a, summary, [role=tab]") !== null;
}
