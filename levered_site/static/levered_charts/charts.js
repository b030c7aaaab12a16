// Shows the title of the mark nearest to the pointer at once and beside it. Without this script
// the browser shows the same titles after a moment; by keyboard the numbers are in the table.
(() => {
  const tip = document.createElement("div");
  tip.className = "chart-tip";
  tip.hidden = true;
  tip.ariaHidden = "true";

  // The browser would show the titles a second time, so they become data.
  const readTitles = (drawing) => {
    if (drawing.dataset.read) return;
    drawing.dataset.read = "yes";
    for (const title of drawing.querySelectorAll("title")) {
      if (title.parentNode === drawing) {
        drawing.setAttribute("aria-label", title.textContent);
        drawing.removeAttribute("aria-labelledby");
      } else title.parentNode.dataset.title = title.textContent;
      title.remove();
    }
  };

  const measureDistance = (mark, event) => {
    const box = mark.getBoundingClientRect();
    const x = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
    const y = Math.max(box.top - event.clientY, 0, event.clientY - box.bottom);
    return x * x + y * y;
  };

  const findNearest = (drawing, event) => {
    const cut = event.target.closest("text[data-title]");
    if (cut) return cut;
    let nearest = null, least = 40 * 40;
    for (const mark of drawing.querySelectorAll(".chart-point")) {
      const distance = measureDistance(mark, event);
      if (distance < least) [nearest, least] = [mark, distance];
    }
    return nearest;
  };

  document.addEventListener("pointermove", (event) => {
    const drawing = event.target.closest?.(".chart-drawing");
    if (drawing) readTitles(drawing);
    const mark = drawing && findNearest(drawing, event);
    tip.hidden = !mark;
    if (!mark) return;
    if (!tip.isConnected) document.body.append(tip);
    tip.textContent = mark.dataset.title;
    const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 4);
    const above = event.clientY - tip.offsetHeight - 12;
    tip.style.left = `${Math.max(left, 4)}px`;
    tip.style.top = `${above > 4 ? above : event.clientY + 16}px`;
  });
})();
