"""What a browser finds cut off on a page."""

# Whatever lies beyond the screen, or beyond a box that hides it, and cannot be scrolled to.
LIST_CUT = """() => {
  const width = document.documentElement.clientWidth;
  const canScroll = (style) => ["auto", "scroll"].includes(style.overflowX);
  const cut = [];
  if (document.documentElement.scrollWidth > width + 1) cut.push("the page");
  for (const element of document.querySelectorAll("#content-main *, main *")) {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!box.width || style.visibility === "hidden") continue;
    let parent = element.parentElement;
    while (parent && !canScroll(getComputedStyle(parent))) parent = parent.parentElement;
    // The text of an input scrolls with the caret, though its overflow is "clip".
    const hides = !element.matches("input") && ["hidden", "clip"].includes(style.overflowX)
      && element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1;
    if ((box.right > width + 1 && !parent) || hides)
      cut.push(element.tagName + "." + element.className + ": "
        + element.textContent.trim().slice(0, 60));
  }
  return cut;
}"""
