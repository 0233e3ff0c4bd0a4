// Sends the policy of the page to be played, and shows what came of it. Of several
// edits in a row the last one counts.
'use strict';
(() => {
  const by = id => document.getElementById(id);
  const text = by('text'), marks = by('marks'), state = by('state'), mistakes = by('mistakes'), fields = by('fields');
  let original = '', request = null, timer = null, took = 0;

  const say = (words, bad) => {
    state.textContent = words;
    state.classList.toggle('bad', Boolean(bad));
  };

  // ---- the text and its main numbers

  // numbers are the scalar numbers of the policy that are searched most, by their
  // lines; the text stays as somebody wrote it.
  const wanted = /^(\s*)(-\s+)?(minReplicas|maxReplicas|pollingIntervalSeconds|stabilizationWindowSeconds|averageValue|averageUtilization|value|periodSeconds|tolerance|replicas|cooldownSeconds):\s*("?)([0-9.]+[a-zA-Z]*)("?)\s*(#.*)?$/;
  const numbers = content => {
    const list = [], path = [];
    content.split('\n').forEach((line, index) => {
      if (/^---/.test(line)) { path.length = 0; return; }
      const key = line.match(/^(\s*(?:-\s+)*)([A-Za-z]+):/);
      if (key) {
        while (path.length && path[path.length - 1].indent >= key[1].length) path.pop();
        path.push({indent: key[1].length, name: key[2]});
      }
      const match = line.match(wanted);
      if (!match) return;
      const within = path.slice(0, -1).map(p => p.name).filter(n => ['scaleUp', 'scaleDown', 'zero'].includes(n)).join(' ');
      const rank = ['minReplicas', 'maxReplicas', 'averageValue', 'averageUtilization'].indexOf(match[3]);
      list.push({rank: rank < 0 ? 9 : rank, line: index, name: (within ? within + ' ' : '') + match[3], value: match[5]});
    });
    return list.sort((a, b) => a.rank - b.rank || a.line - b.line);
  };
  const assign = (index, value) => {
    const lines = text.value.split('\n');
    lines[index] = lines[index].replace(/:(\s*)("?)[^"#\s]+("?)/, ':$1$2' + value + '$3');
    text.value = lines.join('\n');
  };
  const showFields = () => {
    const list = numbers(text.value), before = new Map(numbers(original).map(n => [n.name + n.line, n.value]));
    const same = fields.children.length === list.length && [...fields.children].every((label, i) => label.dataset.name === list[i].name);
    if (!same) {
      fields.replaceChildren(...list.map(n => {
        const label = document.createElement('label'), input = document.createElement('input');
        label.dataset.name = n.name;
        input.inputMode = 'decimal';
        input.addEventListener('input', () => { assign(Number(input.dataset.line), input.value || '0'); changed(); });
        label.append(n.name.replace(/([A-Z])/g, ' $1').toLowerCase(), input);
        return label;
      }));
    }
    list.forEach((n, i) => {
      const input = fields.children[i].querySelector('input');
      input.dataset.line = n.line;
      if (document.activeElement !== input) input.value = n.value;
      input.classList.toggle('changed', before.has(n.name + n.line) && before.get(n.name + n.line) !== n.value);
    });
  };

  // kept are the lines of a text that another has too, by the longest common
  // subsequence.
  const kept = (a, b) => {
    const table = Array.from({length: a.length + 1}, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    }
    const lines = new Set();
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      if (a[i] === b[j]) { lines.add(j); i++; j++; } else if (table[i + 1][j] >= table[i][j + 1]) i++; else j++;
    }
    return lines;
  };
  const mark = (wrong = new Set()) => {
    const lines = text.value.split('\n'), same = lines.length < 2000 ? kept(original.split('\n'), lines) : new Set(lines.keys());
    marks.replaceChildren(...lines.flatMap((line, i) => {
      const span = document.createElement('span');
      span.textContent = line || ' ';
      if (!same.has(i)) span.classList.add('changed');
      if (wrong.has(i + 1)) span.classList.add('wrong');
      return [span, '\n'];
    }));
    marks.scrollTop = text.scrollTop;
    marks.scrollLeft = text.scrollLeft;
  };

  // ---- the verdict

  const number = v => {
    if (v === null || v === undefined) return '–';
    return Number.isInteger(v) || Math.abs(v) >= 100 ? Math.round(v).toLocaleString('en-US') : (Math.round(v * 10) / 10).toFixed(1);
  };
  const showFigures = figures => {
    const order = ['recorded', 'current', 'edited'];
    const columns = order.filter(c => figures.some(f => c in f.columns));
    const [head] = by('figures').tHead.rows;
    head.replaceChildren(...['', ...columns, columns.includes('edited') ? 'change' : ''].map(name => {
      const cell = document.createElement(name ? 'th' : 'td');
      if (name) cell.scope = 'col';
      cell.textContent = name === 'current' ? 'today' : name;
      return cell;
    }));
    by('figures').tBodies[0].replaceChildren(...figures.map(f => {
      const row = document.createElement('tr'), name = document.createElement('th');
      name.scope = 'row';
      name.textContent = f.name;
      row.append(name, ...columns.map(c => {
        const cell = document.createElement('td');
        cell.textContent = number(f.columns[c]);
        if (c === 'edited') cell.className = 'edited';
        return cell;
      }));
      const change = document.createElement('td');
      const a = f.columns.current, b = f.columns.edited;
      if (typeof a === 'number' && typeof b === 'number') {
        const difference = b - a;
        change.textContent = number(difference) === '0' || number(difference) === '0.0' ? '±0' : (difference > 0 ? '+' : '−') + number(Math.abs(difference));
        if (f.name !== 'largest replicas' && change.textContent !== '±0') change.className = difference < 0 ? 'less' : 'more';
      }
      row.append(change);
      return row;
    }));
  };
  const showReport = (address, edited) => new Promise(resolve => {
    const old = by('report'), next = old.cloneNode(false);
    // What is looked at stays: the zoom is in the report's address.
    let hash = '';
    try { hash = old.contentWindow.location.hash; } catch { /* nothing shown yet */ }
    next.classList.remove('old');
    next.addEventListener('load', () => {
      // The page has these above the report.
      try { for (const e of next.contentDocument.querySelectorAll('#first > h1, #first > .trade, #columns')) e.hidden = true; } catch { /* it is an error page */ }
      old.remove();
      resolve();
    }, {once: true});
    // At first it is the time that the page's own address asks for, and all lines are
    // shown, the edited policy's too.
    const asked = new URLSearchParams(location.hash.slice(1));
    if (edited && !asked.has('off')) asked.set('off', '');
    next.src = address + (hash || (asked.size ? '#' + asked : ''));
    next.style.position = 'absolute';
    next.style.visibility = 'hidden';
    old.after(next);
    next.addEventListener('load', () => { next.removeAttribute('style'); }, {once: true});
  });

  const decide = async () => {
    if (request) request.abort();
    const mine = request = new AbortController();
    const began = performance.now();
    say('deciding');
    const clock = setInterval(() => {
      const seconds = Math.round((performance.now() - began) / 1000);
      if (mine === request) say('deciding: ' + seconds + ' s' + (took > 1500 ? ' of about ' + Math.round(took / 1000) : ''));
    }, 1000);
    by('report').classList.add('old');
    let response, answer;
    try {
      response = await fetch('decide', {method: 'POST', body: text.value, headers: {'Content-Type': 'application/yaml'}, signal: mine.signal});
      answer = response.headers.get('Content-Type') === 'application/json' ? await response.json() : {mistakes: [{message: await response.text()}]};
    } catch (error) {
      if (error.name !== 'AbortError') {
        say('the server does not answer: is karpenter serve still running?', true);
        by('report').classList.remove('old');
      }
      return;
    } finally {
      clearInterval(clock);
    }
    if (mine !== request) return;
    const wrong = answer.mistakes || [];
    mistakes.hidden = wrong.length === 0;
    mistakes.replaceChildren(...wrong.map(m => {
      const item = document.createElement('li');
      item.textContent = (m.line ? 'line ' + m.line + ': ' : '') + m.message;
      return item;
    }));
    mark(new Set(wrong.map(m => m.line)));
    if (wrong.length) {
      by('report').classList.remove('old');
      say('the last run stays: ' + wrong.length + (wrong.length === 1 ? ' mistake' : ' mistakes'), true);
      return;
    }
    const edited = (answer.figures || []).some(f => 'edited' in f.columns);
    showFigures(answer.figures || []);
    if (!advised) by('headline').textContent = answer.headline;
    by('doubt').hidden = !answer.unranked;
    by('doubt').textContent = answer.unranked ? 'Columns are not ranked: ' + answer.unranked + '.' : '';
    by('patch').hidden = !answer.patch;
    by('trade').textContent = edited ? answer.trade || '' : 'Change a number or the text: the run is decided again, and what changes stands here.';
    await showReport(answer.report, edited);
    took = performance.now() - began;
    if (mine === request) say('decided in ' + Math.round(took) + ' ms');
    if (!advised) advise();
  };

  // ---- fixes, each one click

  let advised = false;
  const advise = async () => {
    advised = true;
    let answer;
    try {
      const response = await fetch('fixes');
      answer = await response.json();
      if (!response.ok) throw new Error((answer.mistakes || [{}])[0].message);
    } catch (error) {
      by('looking').textContent = 'What would help is not known: ' + error.message + '.';
      return;
    }
    by('headline').textContent = answer.headline;
    const fixes = answer.fixes || [];
    by('looking').textContent = fixes.length ? '' : answer.unranked ? 'What would help is not told.' : 'No change of the policy would help.';
    by('fixes').hidden = !fixes.length;
    by('fixes').tBodies[0].replaceChildren(...fixes.map((fix, index) => ({fix, index})).sort((a, b) => a.fix.minutes - b.fix.minutes || a.fix.hours - b.fix.hours).map(({fix, index}) => {
      const row = document.createElement('tr'), name = document.createElement('th'), left = document.createElement('td'), hours = document.createElement('td');
      name.scope = 'row';
      if (fix.possible) {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = fix.name;
        button.addEventListener('click', () => make(index));
        name.append(button);
      } else {
        name.textContent = fix.name;
        name.title = 'no field of the policy does this';
      }
      left.textContent = number(fix.minutes) + ' of ' + number(fix.lacked);
      const change = Math.round(fix.hours * 10) / 10;
      hours.textContent = change === 0 ? '±0' : (change > 0 ? '+' : '−') + number(Math.abs(change));
      row.append(name, left, hours);
      return row;
    }));
  };
  const send = (address) => fetch(address, {method: 'POST', body: text.value, headers: {'Content-Type': 'application/yaml'}});
  const make = async index => {
    const response = await send('fixes/' + index);
    if (!response.ok) { say('the policy has mistakes', true); return; }
    text.value = await response.text();
    changed();
  };
  const changed = () => {
    mark();
    showFields();
    by('reset').disabled = text.value === original;
    clearTimeout(timer);
    timer = setTimeout(decide, 60);
  };

  const save = async (name, content) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([content], {type: 'application/yaml'}));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  text.addEventListener('input', changed);
  text.addEventListener('scroll', () => { marks.scrollTop = text.scrollTop; marks.scrollLeft = text.scrollLeft; });
  by('reset').addEventListener('click', () => { text.value = original; changed(); });
  by('manifest').addEventListener('click', () => save('policy.yaml', text.value));
  for (const id of ['scenario', 'patch']) {
    by(id).addEventListener('click', async () => {
      const response = await send(id + '.yaml');
      if (response.ok) save(id + '.yaml', await response.text());
      else say('the policy has mistakes', true);
    });
  }
  (async () => {
    original = await (await fetch('policy.yaml')).text();
    text.value = original;
    changed();
  })();
})();
