// Sorts and filters the table of runs. The fragment keeps both, so that a link
// shows the same table.
'use strict';
(() => {
  const table = document.getElementById('runs');
  const filter = document.getElementById('filter');
  const text = filter.elements.namedItem('text');
  const result = filter.elements.namedItem('result');
  const shown = document.getElementById('shown');
  const runs = [...table.tBodies];
  const headers = [...table.tHead.rows[0].cells];
  let order = {column: -1, down: false};

  // key is what a run is sorted by: its number, its text, or nothing.
  const key = (run, column) => {
    for (const row of run.rows) {
      const cell = row.cells[column];
      if (!cell || row.cells.length < headers.length) continue;
      if (cell.dataset.value) return Number(cell.dataset.value);
      const content = cell.textContent.trim();
      if (column === 0) return content;
      const number = parseFloat(content.replace(/[^0-9.eE+-]/g, ''));
      if (!Number.isNaN(number)) return number;
    }
    return undefined;
  };
  // compare puts what has no figure last, whichever the direction.
  const compare = (a, b) => {
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    const ascending = typeof a === 'string' ? a.localeCompare(b, 'en') : a - b;
    return order.down ? -ascending : ascending;
  };

  const show = () => {
    const sorted = order.column < 0 ? runs : runs
      .map(run => [key(run, order.column), run])
      .sort((a, b) => compare(a[0], b[0]))
      .map(pair => pair[1]);
    const wanted = text.value.toLowerCase();
    let count = 0;
    for (const run of sorted) {
      run.hidden = Boolean(result.value && run.dataset.result !== result.value) ||
        !run.textContent.toLowerCase().includes(wanted);
      count += run.hidden ? 0 : 1;
    }
    table.append(...sorted);
    headers.forEach((header, column) => {
      header.ariaSort = column !== order.column ? 'none' : order.down ? 'descending' : 'ascending';
    });
    shown.textContent = count + ' of ' + runs.length + ' shown';
  };

  const remember = () => {
    const state = new URLSearchParams();
    if (text.value) state.set('text', text.value);
    if (result.value) state.set('result', result.value);
    if (order.column >= 0) state.set('sort', (order.down ? '-' : '') + order.column);
    history.replaceState(null, '', '#' + state);
  };
  const recall = () => {
    const state = new URLSearchParams(location.hash.slice(1));
    text.value = state.get('text') || '';
    result.value = state.get('result') || '';
    const sort = state.get('sort') || '';
    const column = parseInt(sort.replace('-', ''), 10);
    order = {column: column < headers.length ? column : -1, down: sort.startsWith('-')};
    show();
  };

  headers.forEach((header, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener('click', () => {
      // Figures begin with the largest, names and results with the first.
      const first = column > 1;
      if (order.column !== column) order = {column, down: first};
      else if (order.down === first) order = {column, down: !first};
      else order = {column: -1, down: false};
      show();
      remember();
    });
  });
  filter.addEventListener('input', () => { show(); remember(); });
  filter.addEventListener('submit', event => event.preventDefault());
  window.addEventListener('hashchange', recall);
  filter.hidden = false;
  recall();
})();
