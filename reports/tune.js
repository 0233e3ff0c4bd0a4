// Tells of the candidate under the pointer, and takes it away as a variant. Without it
// the page shows the same.
'use strict';
(() => {
  const holder = document.getElementById('data'), plot = document.getElementById('plot');
  const copy = async text => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
  };
  const button = (label, text) => {
    const b = document.createElement('button');
    b.type = 'button';
    b.className = 'copy';
    b.textContent = label;
    b.addEventListener('click', async () => {
      await copy(text());
      const before = b.textContent;
      b.textContent = 'Copied';
      setTimeout(() => { if (b.textContent === 'Copied') b.textContent = before; }, 1500);
    });
    return b;
  };
  for (const source of document.querySelectorAll('[data-copy]')) {
    source.after(button(source.dataset.copyLabel, () => source.dataset.copy));
  }
  if (!holder || !plot) return;

  const {expense, points} = JSON.parse(holder.textContent);
  const readout = document.createElement('div'), help = document.createElement('p');
  readout.id = 'readout';
  readout.setAttribute('aria-live', 'polite');
  readout.hidden = true;
  help.id = 'explore-help';
  help.className = 'small';
  help.textContent = 'Point at a candidate; arrow keys go from one to the next, Esc leaves. ';
  let shown = -1;
  const take = button('Copy this candidate as a variant', () => points[shown].variant);
  take.disabled = true;
  help.append(take);
  plot.after(help);
  plot.tabIndex = 0;
  plot.setAttribute('aria-describedby', 'explore-help');
  document.body.append(readout);

  const limit = (v, low, high) => Math.min(Math.max(v, low), high);
  // place is where a candidate lies in a drawing; what is beyond the frame lies at its edge.
  const place = (svg, point) => {
    const [left, right, top, bottom, minX, maxX, minY, maxY] = JSON.parse(svg.dataset.frame);
    return [
      left + (right - left) * limit((point.x - minX) / (maxX - minX), 0, 1),
      bottom - (bottom - top) * limit((point.y - minY) / (maxY - minY), 0, 1),
    ];
  };
  const pair = (name, value) => {
    const span = document.createElement('span'), b = document.createElement('b');
    b.textContent = name + ' ';
    span.append(b, value);
    return span;
  };
  const show = index => {
    shown = index;
    document.querySelectorAll('.crosshair').forEach(e => e.remove());
    readout.hidden = index < 0;
    if (index < 0) return;
    take.disabled = !points[index].variant;
    const point = points[index];
    for (const svg of plot.querySelectorAll('svg[data-frame]')) {
      const [x, y] = place(svg, point), ring = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
      for (const [name, value] of Object.entries({class: 'crosshair', cx: x, cy: y, r: 6, fill: 'none', stroke: 'var(--text)', 'stroke-width': 1.5, 'pointer-events': 'none'})) ring.setAttribute(name, value);
      svg.append(ring);
    }
    const set = document.createElement('p');
    set.textContent = point.set;
    readout.replaceChildren(pair(point.name, ''), pair(expense, point.expense), pair('breach minutes', point.breach), pair('reversals', point.reversals), set);
  };
  plot.addEventListener('pointermove', event => {
    const svg = event.target.closest('svg[data-frame]');
    if (!svg) return;
    const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
    const px = (event.clientX - box.left) * scale, py = (event.clientY - box.top) * scale;
    let nearest = -1, least = 30 * 30;
    points.forEach((point, i) => {
      const [x, y] = place(svg, point), distance = (x - px) ** 2 + (y - py) ** 2;
      if (distance < least) [nearest, least] = [i, distance];
    });
    if (nearest >= 0 && nearest !== shown) show(nearest);
  });
  plot.addEventListener('keydown', event => {
    switch (event.key) {
      case 'ArrowLeft': case 'ArrowUp': show(Math.max(shown - 1, 0)); break;
      case 'ArrowRight': case 'ArrowDown': show(Math.min(shown + 1, points.length - 1)); break;
      case 'Escape': show(-1); take.disabled = true; break;
      default: return;
    }
    event.preventDefault();
  });
})();
