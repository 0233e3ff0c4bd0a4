// Lets a reader look into the charts of a page: a crosshair through all of them,
// zoom, lines on and off, texts to copy. Without it the page shows the same.
'use strict';
(() => {
  const holder = document.getElementById('data');
  const data = holder ? JSON.parse(holder.textContent)
    : {start: 0, end: 1, zone: [], off: [], charts: [], decisions: {}};
  const svgNamespace = 'http://www.w3.org/2000/svg';
  const charts = [...document.querySelectorAll('figure[data-chart]')].map(figure => ({
    figure, lines: [], ...data.charts[Number(figure.dataset.chart)],
  }));
  // Without a zoom, every chart shows the time that it came with. The crosshair tells of
  // the target whose charts the pointer or the keys were on last.
  const state = {zoom: null, at: null, object: charts.length ? charts[0].object : '', off: new Set(data.off)};
  const windowOf = chart => state.zoom || [chart.from, chart.to];

  // ---- data

  // Times of a line are differences, to be short.
  for (const chart of charts) {
    for (const line of chart.lines) {
      let t = 0;
      line.t = line.t.map(step => (t += step));
    }
    for (const panel of chart.panels || []) {
      for (const line of [panel.value, panel.target]) {
        let t = 0;
        line.t = line.t.map(step => (t += step));
      }
    }
  }
  // before is the index of the last time not after t, -1 for none.
  const before = (times, t) => {
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= t) low = middle + 1; else high = middle;
    }
    return low - 1;
  };
  const valueAt = (line, t) => {
    const i = before(line.t, t);
    return i < 0 ? null : line.v[i];
  };
  const decisionAt = t => {
    const decisions = data.decisions[state.object] || [];
    const i = before(decisions.map(d => d[0]), t);
    return i >= 0 && t < decisions[i][1] ? decisions[i][2] : '';
  };

  // ---- words

  const offset = t => {
    let seconds = 0;
    for (const [from, value] of data.zone) if (from <= t) seconds = value;
    return seconds;
  };
  const local = t => new Date((t + offset(t)) * 1000);
  const two = n => String(n).padStart(2, '0');
  const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
  const clock = (t, seconds) => {
    const d = local(t);
    return two(d.getUTCHours()) + ':' + two(d.getUTCMinutes()) + (seconds ? ':' + two(d.getUTCSeconds()) : '');
  };
  const date = t => {
    const d = local(t);
    return days[d.getUTCDay()] + ' ' + d.getUTCDate() + ' ' + months[d.getUTCMonth()];
  };
  const number = v => {
    if (v === null || v === undefined) return '–';
    if (Number.isInteger(v)) return v.toLocaleString('en-US');
    return Math.abs(v) >= 100 ? Math.round(v).toLocaleString('en-US') : String(Number(v.toPrecision(3)));
  };
  // brief has prefixes of the SI, for axes of metrics.
  const brief = v => {
    if (Math.abs(v) < 1e4) return String(Number.isInteger(v) ? v : Number(v.toPrecision(3)));
    for (const prefix of ['k', 'M', 'G', 'T', 'P']) {
      v /= 1000;
      if (Math.abs(v) < 1000 || prefix === 'P') return String(Number(v.toPrecision(3))) + prefix;
    }
    return '';
  };

  // ---- drawing

  const element = (name, attributes, ...children) => {
    const e = document.createElementNS(svgNamespace, name);
    for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
    e.append(...children);
    return e;
  };
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600, 604800, 1209600];
  const timeTicks = (from, to, most) => {
    const step = steps.find(s => (to - from) / s < most) || 2419200;
    const ticks = [];
    const first = Math.ceil((from + offset(from)) / step) * step;
    for (let t = first; t - offset(from) < to; t += step) {
      const at = t - offset(t - offset(from));
      if (at < from || at >= to) continue;
      ticks.push([at, step >= 86400 || (step >= 3600 && t % 86400 === 0) ? date(at) : clock(at, step < 60)]);
    }
    return ticks;
  };
  const countTicks = (top, most) => {
    let step = top < 2 ? Math.pow(10, Math.floor(Math.log10(top / most))) : 1;
    for (let i = 0; top / step > most; i++) step *= [2, 2.5, 2][i % 3];
    const ticks = [];
    for (let n = 0; n <= top; n += step) ticks.push(Number(n.toPrecision(12)));
    return ticks;
  };
  const valueTicks = (top, most) => {
    let step = Math.pow(10, Math.floor(Math.log10(top / most)));
    for (let i = 0; top / step > most + 0.999; i++) step *= [2, 2.5, 2][i % 3];
    const ticks = [];
    for (let i = 0; i * step <= top; i++) ticks.push(Number((i * step).toPrecision(12)));
    return ticks;
  };
  // path is a step function between two instants, as one path with gaps.
  const path = (line, from, to, x, y) => {
    let d = '', last = valueAt(line, from);
    if (last !== null) d += 'M' + x(from) + ' ' + y(last);
    for (let i = before(line.t, from) + 1; i < line.t.length && line.t[i] < to; i++) {
      const at = x(line.t[i]), v = line.v[i];
      if (last !== null) d += 'H' + at;
      if (v !== null) d += (last === null ? 'M' + at + ' ' : 'V') + y(v);
      last = v;
    }
    return last === null ? d : d + 'H' + x(to);
  };
  const round = n => Math.round(n * 10) / 10;

  // scale maps instants and values into a frame [left, right, top, bottom].
  const scale = (frame, from, to, most) => ({
    x: t => round(frame[0] + (frame[1] - frame[0]) * (Math.min(Math.max(t, from), to) - from) / (to - from)),
    y: v => round(frame[3] - (frame[3] - frame[2]) * Math.min(Math.max(v / most, 0), 1)),
  });
  const greatest = (lines, from, to) => {
    let most = 0;
    for (const line of lines) {
      most = Math.max(most, valueAt(line, from) || 0);
      for (let i = before(line.t, from) + 1; i < line.t.length && line.t[i] < to; i++) most = Math.max(most, line.v[i] || 0);
    }
    return most;
  };
  // upTo is a line without what lies above the axis.
  const upTo = (line, top) => ({...line, v: line.v.map(v => v > top ? null : v)});

  // drawPanel draws a metric, its target and what the tolerance ignores.
  const drawPanel = (panel, group, frame, from, to, text) => {
    const band = (panel.band || []).filter(b => b[1] > from && b[0] < to);
    const top = Math.max(greatest([panel.value, panel.target], from, to), ...band.map(b => b[3])) || 1;
    const most = top * 1.12, {x, y} = scale(frame, from, to, most);
    for (const [start, end, low, high] of band) {
      group.append(element('rect', {x: x(start), width: Math.max(x(end) - x(start), 0.5), y: y(high), height: Math.max(y(low) - y(high), 0.5), fill: 'var(--metric-band)'}));
    }
    for (const n of valueTicks(most, frame[3] - frame[2] < 40 ? 1 : 2)) {
      if (n > 0) group.append(element('path', {d: 'M' + frame[0] + ' ' + y(n) + 'H' + frame[1], stroke: 'var(--grid)'}));
      group.append(element('text', {x: frame[0] - 5, y: y(n) + text / 3, 'text-anchor': 'end', 'font-size': text, fill: 'var(--muted)'}, brief(n)));
    }
    for (const line of [panel.target, panel.value]) {
      group.append(element('path', {d: path(line, from, to, x, y), fill: 'none', stroke: 'var(--' + line.color + ')', 'stroke-width': line.width, 'stroke-dasharray': line.dashes || 'none'}));
    }
    group.append(element('path', {d: 'M' + frame[0] + ' ' + frame[3] + 'H' + frame[1], stroke: 'var(--frame)'}));
    const target = valueAt(panel.target, to - 1);
    if (target !== null) group.append(element('text', {x: frame[1] + 3, y: Math.min(Math.max(y(target) + text / 3, frame[2] + text), frame[3]), 'font-size': text, fill: 'var(--metric-target)'}, 'target ' + brief(target)));
    const about = panel.about ? (panel.about.startsWith('tolerance') ? ', ' : ' ') + panel.about.replace(/^, /, '') : '';
    const room = Math.max(8, Math.floor((frame[1] - frame[0] + 60) / (text * 0.52)) - about.length);
    const name = panel.title.length > room ? panel.title.slice(0, room - 1) + '…' : panel.title;
    group.append(element('text', {x: frame[0], y: frame[2] - 3, 'font-size': text, fill: 'var(--text)'}, name + about));
  };
  const visible = chart => chart.lines.filter(line => !state.off.has(line.name));

  // plot draws a chart between two instants into a group.
  const plot = (chart, group, frame, from, to, text, small) => {
    const lines = visible(chart).filter(line => !small || line.overview);
    const most = Math.max(chart.least || 0, Math.min(greatest(lines.filter(line => !line.bound), from, to), chart.limit || Infinity), 1e-9) * 1.12;
    const {x, y} = scale(frame, from, to, most);
    if (!small) {
      for (const [start, end, color] of chart.spans || []) {
        if (end > from && start < to) group.append(element('rect', {x: x(start), width: Math.max(x(end) - x(start), 0.5), y: frame[2], height: frame[3] - frame[2], fill: 'var(--' + color + '-soft)'}));
      }
      for (const n of countTicks(most, 5)) {
        if (n > 0) group.append(element('path', {d: 'M' + frame[0] + ' ' + y(n) + 'H' + frame[1], stroke: 'var(--grid)'}));
        group.append(element('text', {x: frame[0] - 5, y: y(n) + text / 3, 'text-anchor': 'end', 'font-size': text, fill: 'var(--muted)'}, number(n)));
      }
    }
    for (const line of lines) {
      const d = path(line.bound ? upTo(line, most) : line, from, to, x, y);
      if (line.area) group.append(element('path', {d: d.replace(/M([\d.]+) ([\d.]+)/g, 'M$1 ' + frame[3] + 'V$2') + 'V' + frame[3], fill: 'var(--needed-area)', stroke: 'none'}));
      group.append(element('path', {d, fill: 'none', stroke: 'var(--' + line.color + ')', 'stroke-width': small ? 1 : line.width, 'stroke-dasharray': line.dashes || 'none'}));
    }
    group.append(element('path', {d: 'M' + frame[0] + ' ' + frame[3] + 'H' + frame[1], stroke: 'var(--frame)'}));
    let free = frame[0] - 20;
    for (const [t, label] of timeTicks(from, to, frame[1] - frame[0] > 400 ? 9 : 5)) {
      const half = label.length * text * 0.28;
      group.append(element('path', {d: 'M' + x(t) + ' ' + frame[3] + 'v3', stroke: 'var(--frame)'}));
      if (x(t) - half < free + 4) continue;
      group.append(element('text', {x: x(t), y: frame[3] + text + 4, 'text-anchor': 'middle', 'font-size': text, fill: 'var(--muted)'}, label));
      free = x(t) + half;
    }
    if (small) return;
    for (const line of lines.filter(line => line.bound)) {
      const later = line.name.startsWith('recorded'); // beside the policy's own
      const v = valueAt(line, later ? (from + to) / 2 : from);
      const under = line.name.endsWith('minReplicas') && frame[3] - y(v) > text + 2;
      const at = frame[0] + 3 + (later ? (frame[1] - frame[0]) / 2 : 0);
      if (v > 0 && v <= most) group.append(element('text', {x: at, y: under ? y(v) + text - 1 : y(v) - 2, 'font-size': text - 1, fill: 'var(--' + line.color + ')'}, line.name + ' ' + number(v)));
    }
    const names = lines.filter(line => !line.bound).map(line => ({line, v: valueAt(line, to - 1)})).filter(n => n.v !== null).sort((a, b) => a.v - b.v);
    let above = frame[3] + text;
    for (const name of names) {
      above = Math.min(above - text - 2, y(name.v) + text / 3);
      group.append(element('text', {x: frame[1] + 10, y: Math.max(above, frame[2] + text), 'font-size': text, fill: 'var(--' + name.line.color + ')'}, name.line.name));
    }
  };

  // changed says that the page no longer shows what it came with.
  const changed = () => state.zoom !== null ||
    state.off.size !== data.off.length || data.off.some(name => !state.off.has(name));

  // draw shows every chart as the state has it: as it came, or drawn here.
  const draw = () => {
    for (const chart of charts) {
      for (const original of chart.figure.querySelectorAll('svg[data-frame]')) {
        const next = original.nextElementSibling;
        if (next && next.dataset.drawn) next.remove();
        original.classList.toggle('replaced', changed());
        if (!changed()) continue;
        const frames = JSON.parse(original.dataset.frame), [from, to] = windowOf(chart);
        const svg = element('svg', {class: original.getAttribute('class').replace(' replaced', ''), viewBox: original.getAttribute('viewBox'), role: 'img', 'aria-label': chart.title + ', ' + spoken(from) + ' to ' + spoken(to), 'data-drawn': 'yes', 'data-frame': original.dataset.frame});
        plot(chart, svg, frames.large, from, to, frames.text, false);
        (frames.panels || []).forEach((frame, i) => drawPanel(chart.panels[i], svg, frame, from, to, frames.text));
        if (frames.overview) {
          const frame = frames.overview, {x} = scale(frame, data.start, data.end, 1);
          svg.append(element('rect', {x: x(from) - 1, width: Math.max(x(to) - x(from), 2) + 2, y: frame[2], height: frame[3] - frame[2], fill: 'var(--needed-area)', stroke: 'var(--text)'}));
          plot(chart, svg, frame, data.start, data.end, frames.text, true);
        }
        original.after(svg);
      }
    }
    cross();
  };
  const spoken = t => date(t) + ' ' + clock(t, true);

  // ---- crosshair

  const readout = document.createElement('div');
  readout.id = 'readout';
  readout.setAttribute('aria-live', 'polite');
  readout.hidden = true;
  const several = new Set(charts.map(chart => chart.object)).size > 1;
  const pair = (name, value, color) => {
    const item = document.createElement('span');
    const label = document.createElement('b');
    label.textContent = name + ' ';
    if (color) label.style.setProperty('color', 'var(--' + color + ')');
    item.append(label, value);
    return item;
  };
  const cross = () => {
    document.querySelectorAll('.crosshair').forEach(e => e.remove());
    readout.hidden = state.at === null;
    if (state.at === null) return;
    for (const chart of charts) {
      const [from, to] = windowOf(chart);
      if (state.at < from || state.at > to) continue;
      for (const svg of chart.figure.querySelectorAll('svg[data-frame]:not(.replaced)')) {
        const frames = JSON.parse(svg.dataset.frame);
        const {x} = scale(frames.large, from, to, 1);
        svg.append(element('path', {class: 'crosshair', d: 'M' + x(state.at) + ' ' + (frames.panels ? frames.panels[0][2] : frames.large[2]) + 'V' + frames.large[3], stroke: 'var(--text)', 'stroke-width': 1, 'pointer-events': 'none'}));
      }
    }
    const shown = new Map();
    for (const chart of charts.filter(chart => chart.object === state.object)) {
      for (const panel of chart.panels || []) {
        const target = valueAt(panel.target, state.at);
        const name = panel.title.length > 40 ? panel.title.slice(0, 39) + '…' : panel.title;
        shown.set('metric ' + panel.title + panel.about, pair(name, number(valueAt(panel.value, state.at)) + (target === null ? '' : ' of ' + number(target)), 'metric'));
      }
      for (const line of chart.lines) {
        if (!shown.has(line.name)) shown.set(line.name, pair(line.name, number(valueAt(line, state.at)) + (line.note ? ' ' + line.note : ''), line.color));
      }
    }
    const decision = decisionAt(state.at);
    const reason = document.createElement('p');
    reason.textContent = decision || ((data.decisions[state.object] || []).length ? 'no line of the table of decisions: ask karpenter explain' : '');
    readout.replaceChildren(pair(spoken(state.at), several ? state.object : ''), ...shown.values(), reason);
  };

  // ---- pointer, keys, fragment

  const clamp = (t, low, high) => Math.min(Math.max(t, low), high);
  // place is the instant under a pointer, and whether it is in the overview.
  const place = (chart, svg, event) => {
    const frames = JSON.parse(svg.dataset.frame);
    const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
    const px = (event.clientX - box.left) * view.width / box.width;
    const py = (event.clientY - box.top) * view.height / box.height;
    const over = Boolean(frames.overview) && py >= frames.overview[2] - 8;
    const frame = over ? frames.overview : frames.large;
    const [from, to] = over ? [data.start, data.end] : windowOf(chart);
    const t = from + (to - from) * (px - frame[0]) / (frame[1] - frame[0]);
    return {t: clamp(Math.round(t), from, to), over};
  };
  const zoom = (from, to) => {
    [from, to] = from < to ? [from, to] : [to, from];
    if (to - from < 30) return;
    state.zoom = [clamp(Math.round(from), data.start, data.end), clamp(Math.round(to), data.start, data.end)];
    draw();
    remember();
  };
  const reset = () => {
    state.zoom = null;
    draw();
    remember();
  };
  const look = (chart, t) => {
    state.at = t;
    state.object = chart.object;
    cross();
  };
  let drag = null, brush = null;
  const showBrush = (chart, svg, from, to, over) => {
    if (brush) brush.remove();
    const frames = JSON.parse(svg.dataset.frame);
    const frame = over ? frames.overview : frames.large;
    const {x} = scale(frame, ...(over ? [data.start, data.end] : windowOf(chart)), 1);
    const left = Math.min(x(from), x(to));
    brush = element('rect', {x: left, width: Math.abs(x(to) - x(from)), y: frame[2], height: frame[3] - frame[2], fill: 'var(--decided)', 'fill-opacity': 0.18, 'pointer-events': 'none'});
    svg.append(brush);
  };
  for (const chart of charts) {
    chart.figure.tabIndex = 0;
    chart.figure.setAttribute('aria-describedby', 'explore-help');
    chart.figure.addEventListener('pointerdown', event => {
      const svg = event.target.closest('svg[data-frame]');
      if (!svg || event.button !== 0) return;
      const at = place(chart, svg, event);
      drag = {chart, svg, pointer: event.pointerId, touch: event.pointerType === 'touch', ...at};
      look(chart, at.t);
    });
    chart.figure.addEventListener('pointermove', event => {
      const svg = event.target.closest('svg[data-frame]');
      if (!svg) return;
      const at = place(chart, svg, event);
      if (drag && drag.svg === svg && !drag.touch && drag.over === at.over) {
        showBrush(chart, svg, drag.t, at.t, at.over);
        return;
      }
      look(chart, at.t);
    });
    chart.figure.addEventListener('dblclick', reset);
    chart.figure.addEventListener('pointerleave', () => { if (!drag) { state.at = null; cross(); } });
    chart.figure.addEventListener('keydown', event => {
      const [from, to] = windowOf(chart);
      const step = Math.max(1, Math.round((to - from) / (event.shiftKey ? 20 : 200)));
      const middle = state.at === null || state.at < from || state.at > to ? Math.round((from + to) / 2) : state.at;
      switch (event.key) {
        case 'ArrowLeft': look(chart, clamp(middle - step, from, to)); break;
        case 'ArrowRight': look(chart, clamp(middle + step, from, to)); break;
        case '+': zoom(middle - (to - from) / 4, middle + (to - from) / 4); break;
        case '-': zoom(middle - (to - from), middle + (to - from)); break;
        case 'Escape': state.at = null; reset(); break;
        default: return;
      }
      event.preventDefault();
    });
  }
  window.addEventListener('pointerup', event => {
    if (!drag) return;
    const done = drag;
    drag = null;
    if (brush) brush.remove();
    brush = null;
    if (done.touch || !done.svg.isConnected) return;
    const at = place(done.chart, done.svg, event);
    if (at.over === done.over) zoom(done.t, at.t);
  });
  const remember = () => {
    const fragment = new URLSearchParams(location.hash.slice(1));
    for (const key of ['from', 'to', 'off']) fragment.delete(key);
    if (state.zoom) {
      fragment.set('from', state.zoom[0]);
      fragment.set('to', state.zoom[1]);
    }
    if ([...state.off].sort().join() !== [...data.off].sort().join()) fragment.set('off', [...state.off].join());
    history.replaceState(null, '', '#' + fragment);
  };
  const recall = () => {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const from = Number(fragment.get('from')), to = Number(fragment.get('to'));
    state.zoom = from < to ? [clamp(from, data.start, data.end), clamp(to, data.start, data.end)] : null;
    state.off = new Set(fragment.has('off') ? fragment.get('off').split(',').filter(Boolean) : data.off);
    choices();
    draw();
  };

  // ---- lines on and off

  const legend = document.createElement('div');
  legend.id = 'lines';
  legend.setAttribute('role', 'group');
  legend.setAttribute('aria-label', 'Lines of the charts');
  const choices = () => {
    legend.replaceChildren();
    if (!charts.length) return;
    const lines = new Map(charts.flatMap(chart => chart.lines).reverse().map(line => [line.name, line]));
    const first = charts[0].lines.map(line => line.name);
    for (const line of [...first, ...[...lines.keys()].filter(name => !first.includes(name))].map(name => lines.get(name))) {
      const label = document.createElement('label'), box = document.createElement('input'), swatch = document.createElement('i');
      box.type = 'checkbox';
      box.checked = !state.off.has(line.name);
      box.addEventListener('change', () => {
        if (box.checked) state.off.delete(line.name); else state.off.add(line.name);
        draw();
        remember();
      });
      swatch.style.setProperty('border-color', 'var(--' + line.color + ')');
      label.append(box, swatch, line.name);
      legend.append(label);
    }
  };

  // ---- texts to copy

  for (const source of document.querySelectorAll('[data-copy]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'copy';
    button.textContent = source.dataset.copyLabel || 'Copy';
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(source.dataset.copy);
      } catch {
        const area = document.createElement('textarea');
        area.value = source.dataset.copy;
        document.body.append(area);
        area.select();
        document.execCommand('copy');
        area.remove();
      }
      const label = button.textContent;
      button.textContent = 'Copied';
      setTimeout(() => { button.textContent = label; }, 1500);
    });
    source.after(button);
  }

  if (charts.length) {
    const help = document.createElement('p');
    help.id = 'explore-help';
    help.className = 'small';
    help.textContent = 'Drag to zoom, double-click to go back; arrow keys move the line, + and − zoom, Esc resets. The address keeps what is shown.';
    // A phone's first screen is for the answer and the picture.
    const first = document.getElementById('first');
    if (window.innerWidth < 640 && first) first.append(legend);
    else charts[0].figure.after(legend, help);
    document.body.append(readout);
  }
  window.addEventListener('hashchange', recall);
  recall();
})();
