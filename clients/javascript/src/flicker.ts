// Against flicker: hide a page until its variant is shown, but never for long.

/** A page is never hidden for longer. */
const LONGEST = 300;
const STYLE_ID = "levered-hidden";

export interface FlickerOptions {
  /** What to hide: a selector of CSS. */
  selector?: string;
  /** For how long at most; never longer than 300. */
  milliseconds?: number;
}

/**
 * Return a script, without its tags, for the head of a page: before anything that is to
 * be hidden. It needs nothing else. What it hides comes back by itself, even if no other
 * script of the page is ever loaded.
 */
export function buildFlickerScript({
  selector = "html",
  milliseconds = LONGEST,
}: FlickerOptions = {}): string {
  const ms = Math.min(LONGEST, Math.max(0, milliseconds)) || 0;
  // An animation ends without a script, also where the page's scripts are busy.
  const css =
    "@keyframes levered-hidden{from,to{opacity:0}}" +
    `${selector}{animation:levered-hidden ${ms}ms step-end!important}`;
  // In a script's text, `</script>` and `<!--` would end it.
  const text = JSON.stringify(css).replaceAll("<", "\\u003c");
  return (
    "(function(d){try{var s=d.createElement('style'),c=d.currentScript;" +
    `s.id='${STYLE_ID}';s.nonce=c&&c.nonce||'';s.textContent=${text};` +
    `d.head.appendChild(s);setTimeout(function(){s.remove()},${ms})}catch(e){}})(document)`
  );
}

/** Show the page: call it when the variant is in its place. Does nothing the second time. */
export function showPage(): void {
  if (typeof document === "object") document.getElementById(STYLE_ID)?.remove();
}
