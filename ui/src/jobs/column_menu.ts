import { type MenuEntry, SEPARATOR } from "../shared/menu";
import { COLUMNS, DEFAULT_COLUMNS, toggled } from "../state/columns";
import { SORT_KEYS } from "../state/order";
import type { ListView } from "../state/view.svelte";
import { t } from "../texts/texts.svelte";

/** The header's menu: which columns are shown, and orders that have no column in sight. */
export function columnMenu(view: ListView): MenuEntry[] {
  const texts = t().columns;
  const columns: MenuEntry[] = COLUMNS.filter(({ givesWay }) => givesWay > 0).map(({ key }) => ({
    kind: "entry",
    label: texts[key],
    isChecked: !view.columns.hidden.includes(key),
    choose: () => view.setColumns(toggled(view.columns, key)),
  }));
  const orders: MenuEntry[] = SORT_KEYS.filter((key) => key === "bands" || key === "added" || key === "queue").map((key) => ({
    kind: "entry",
    label: `${texts.sortBy}: ${texts[key]}`,
    isChecked: view.sort.key === key,
    choose: () => view.setSort(key),
  }));
  const reset: MenuEntry = { kind: "entry", label: texts.reset, choose: () => view.setColumns(DEFAULT_COLUMNS) };
  return [...columns, SEPARATOR, ...orders, SEPARATOR, reset];
}
