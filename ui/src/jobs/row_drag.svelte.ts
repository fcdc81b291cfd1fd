/** Pixels a pressed pointer moves before it drags: less is a click of an unsteady hand. */
const THRESHOLD = 5;
/** Within this many pixels of its edges the list scrolls while something is dragged, by this much a frame. */
const SCROLL_EDGE = 32;
const SCROLL_STEP = 9;

/** What a drag needs of the list. */
export interface DragList {
  readonly scroller: () => HTMLElement;
  readonly rowHeight: () => number;
  /** The rows that a drag of the row `id` takes along; it marks them. */
  readonly take: (id: number) => ReadonlySet<number>;
  /** Where the row `id` can be put in the list as it is sorted now; `null` for nowhere. */
  readonly stretch: (id: number) => { readonly start: number; readonly end: number } | null;
  readonly drop: (id: number, ids: ReadonlySet<number>, gap: number) => void;
  readonly refuse: () => void;
}

/** A drag of rows within the list, by mouse or pen; a finger scrolls. */
export class RowDrag {
  /** The rows held; `null` while nothing is dragged. */
  ids = $state.raw<ReadonlySet<number> | null>(null);
  /** The gap to drop into, by the place of the row below it. */
  gap = $state(0);
  /** Whether the rows held can be put elsewhere. */
  canMove = $state(false);
  x = $state(0);
  y = $state(0);

  private pressed: { id: number; x: number; y: number; pointer: number } | null = null;
  private frame = 0;
  /** Whether the press under way, or the last one, became a drag. */
  private hasDragged = false;

  constructor(private readonly list: DragList) {}

  /**
   * Whether the click that arrives now ends a drag, also one that was left with Escape, and so is none. Each press says
   * anew what its click is: a browser sends that click at once, late or not at all.
   */
  get endsDrag(): boolean {
    return this.hasDragged;
  }

  down(event: PointerEvent, id: number | null): void {
    this.hasDragged = false;
    const isOnButton = (event.target as Element).closest("button") !== null;
    if (event.button !== 0 || event.pointerType === "touch" || id === null || isOnButton) return;
    this.pressed = { id, x: event.clientX, y: event.clientY, pointer: event.pointerId };
  }

  move(event: PointerEvent): void {
    if (this.pressed === null || event.pointerId !== this.pressed.pointer) return;
    // Let go outside of the list, where nobody told.
    if (event.buttons === 0) return this.cancel();
    if (this.ids === null) {
      if (Math.hypot(event.clientX - this.pressed.x, event.clientY - this.pressed.y) < THRESHOLD) return;
      this.hasDragged = true;
      this.ids = this.list.take(this.pressed.id);
      this.list.scroller().setPointerCapture(event.pointerId);
      this.frame = requestAnimationFrame(this.scrollAtEdge);
    }
    this.x = event.clientX;
    this.y = event.clientY;
    this.aim();
  }

  up(): void {
    const { ids, gap, pressed, canMove } = this;
    this.cancel();
    if (ids === null || pressed === null) return;
    if (canMove) this.list.drop(pressed.id, ids, gap);
    else this.list.refuse();
  }

  cancel(): void {
    if (this.ids !== null && this.pressed !== null) this.list.scroller().releasePointerCapture(this.pressed.pointer);
    cancelAnimationFrame(this.frame);
    this.pressed = null;
    this.ids = null;
  }

  private aim(): void {
    const scroller = this.list.scroller();
    const within = this.y - scroller.getBoundingClientRect().top + scroller.scrollTop;
    const stretch = this.pressed === null ? null : this.list.stretch(this.pressed.id);
    this.canMove = stretch !== null;
    if (stretch !== null) this.gap = Math.max(stretch.start, Math.min(stretch.end, Math.round(within / this.list.rowHeight())));
  }

  private readonly scrollAtEdge = (): void => {
    const scroller = this.list.scroller();
    const { top, bottom } = scroller.getBoundingClientRect();
    const by = this.y < top + SCROLL_EDGE ? -SCROLL_STEP : this.y > bottom - SCROLL_EDGE ? SCROLL_STEP : 0;
    if (by !== 0) {
      scroller.scrollTop += by;
      this.aim();
    }
    this.frame = requestAnimationFrame(this.scrollAtEdge);
  };
}
