// What the page of a run and that of several share: words for numbers, tables, how a run's data is laid out.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const css = name => `var(--${name})`;

const percent = value => value === null || value === undefined ? '–' : value.toFixed(2) + ' %';
const count = value => Number(value).toLocaleString('en');

function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 10) return seconds.toFixed(1) + ' s';
  const s = Math.round(seconds), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  const two = n => String(n).padStart(2, '0');
  return h ? `${h}:${two(m)}:${two(s % 60)} h` : `${m}:${two(s % 60)} min`;
}

function bytes(n) {
  if (!Number.isFinite(n)) return '–';
  if (n < 0) return '−' + bytes(-n);
  return n >= 1e9 ? (n / 1e9).toFixed(2) + ' GB' : n >= 1e6 ? (n / 1e6).toFixed(1) + ' MB' : (n / 1e3).toFixed(1) + ' kB';
}

/** The command as it would be typed. */
function commandLine(words) {
  const quoted = word => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return 'train_miniplaces ' + words.map(quoted).join(' ');
}

function flag(run, name, otherwise) {
  const values = (run.config.flags || {})['--' + name];
  return values ? values.join(', ') : otherwise;
}

const sum = values => values.reduce((a, b) => a + b, 0);
const last = values => values && values.length ? values[values.length - 1] : null;
const median = values => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function best(run) {
  const top1 = run.epochs.val_top1 || [];
  let at = -1;
  top1.forEach((value, i) => { if (value !== null && (at < 0 || value > top1[at])) at = i; });
  return at;
}

/** Robust accuracy by epoch: what it came to at best and last, or null where none was measured. */
function robust(run) {
  const values = run.epochs.val_robust_top1 || [], known = values.map((v, i) => [v, i]).filter(([v]) => v !== null);
  if (!known.length) return null;
  const [top, at] = known.reduce((a, b) => b[0] > a[0] ? b : a), [end] = last(known);
  const images = Number(flag(run, 'robust-images', 500)), train = run.epochs.train_top1;
  const guessing = 100 / ((run.config.data || {}).classes || 1);
  const fell = known.find(([v, i]) => i > at && top >= 2 * guessing && v < top / 2 && train[i] >= train[at]);
  return { best: top, epoch: run.epochs.epoch[at], last: end, lost: top - end, images,
    overfits: top - end > 2 * Math.sqrt(top * (100 - top) / images), collapsed: fell ? run.epochs.epoch[fell[1]] : null };
}

/** What its course means, in a sentence. */
function robustNote(r) {
  if (r.collapsed) return `In epoch ${r.collapsed} it fell below half of its best while training on attacked images got no worse: ` +
    'the network learnt to withstand the attack of its training and no other (catastrophic overfitting).';
  if (r.lost <= 0) return 'The last epoch was the best.';
  return `In the last epoch it was ${percent(r.last)}, ${r.lost.toFixed(1)} points below the best` +
    (r.overfits ? ': robust overfitting.' : ', which a sample of that size may differ by.');
}

function tile(value, label, title) {
  return el('div', { class: 'tile', title }, el('b', {}, value), el('span', { class: 'soft small' }, label));
}

function section(id, title, ...children) {
  return el('section', { id }, el('h2', {}, title), ...children);
}

/** A table of texts; the first row is the head. */
function table(rows, kind) {
  const [head, ...body] = rows;
  return el('div', { class: 'scroll' }, el('table', { class: kind },
    el('thead', {}, el('tr', {}, head.map(cell => el('th', { scope: 'col' }, cell)))),
    el('tbody', {}, body.map(row => el('tr', {}, row.map(cell => el('td', {}, cell)))))));
}

/** A bar with a name before it and a number behind it; parts: [[share, colour, opacity]]. */
function bar(name, parts, number, title) {
  return el('div', { class: 'bar', title },
    el('span', { class: 'name' }, name),
    el('span', { class: 'track' }, parts.map(([share, color, opacity]) =>
      el('span', { style: `width:${100 * Math.max(0, Math.min(1, share))}%;background:${color};opacity:${opacity || 1}` }))),
    el('span', { class: 'number' }, number));
}

/** Buttons of which one is pressed; each calls show(name). */
function choice(key, names, show) {
  const kept = memory.get(key), first = names.includes(kept) ? kept : names[0];
  const buttons = names.map(name => el('button', { type: 'button', 'aria-pressed': String(name === first) }, name));
  buttons.forEach((button, i) => button.addEventListener('click', () => {
    buttons.forEach(other => other.setAttribute('aria-pressed', String(other === button)));
    memory.set(key, names[i]);
    show(names[i]);
  }));
  show(first);
  return el('div', { class: 'buttons' }, buttons);
}

function navigation(sections) {
  return el('nav', { 'aria-label': 'Parts of this page' }, el('div', { class: 'inner' },
    sections.map(s => el('a', { href: '#' + s.id }, s.querySelector('h2').textContent))));
}
