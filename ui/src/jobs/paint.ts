//! Painting of the two pictures in the details pane. Colours come from the tokens, so that both themes fit.

/** A canvas made ready for its size on the screen, in CSS pixels. */
export interface Ground {
  readonly paper: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  readonly colour: (token: string) => string;
}

/** Sizes the canvas for the screen's density and clears it; `null` where it has no size or cannot be painted on. */
export function ground(canvas: HTMLCanvasElement): Ground | null {
  const paper = canvas.getContext("2d");
  const { clientWidth: width, clientHeight: height } = canvas;
  if (paper === null || width === 0 || height === 0) return null;
  const density = window.devicePixelRatio;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  paper.setTransform(density, 0, 0, density, 0, 0);
  return { paper, width, height, colour: (token) => resolved(canvas, token) };
}

/** A token's colour as the canvas understands it: `light-dark()` is known only to style sheets. */
function resolved(canvas: HTMLCanvasElement, token: string): string {
  canvas.style.color = `var(${token})`;
  return getComputedStyle(canvas).color;
}

/** Calls `paint` whenever the element's size or the colours change, until the returned function is called. */
export function repaintOnChange(element: HTMLElement, paint: () => void): () => void {
  const sizes = new ResizeObserver(paint);
  sizes.observe(element);
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", paint);
  const theme = new MutationObserver(paint);
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    sizes.disconnect();
    scheme.removeEventListener("change", paint);
    theme.disconnect();
  };
}
