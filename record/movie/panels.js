// What a movie's page is made of: the source, the grid, the threads, shared and global memory.
'use strict';

const movie = JSON.parse(document.getElementById('data').textContent);
const threadCount = movie.block[0] * movie.block[1], warpCount = Math.ceil(threadCount / 32);
const isShared = site => site.space === 'static' || site.space === 'dynamic';
const writes = site => site.act === 'write' || site.act === 'atomic';
const counted = (n, thing) => `${n.toLocaleString('en')} ${thing}${n === 1 ? '' : 's'}`;
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Lanes of a mask, in order. */
function lanesOf(mask) {
  const lanes = [];
  for (let lane = 0; lane < 32; ++lane) if (mask >>> lane & 1) lanes.push(lane);
  return lanes;
}

/** A step as it lies in the file, unfolded: offsets stand beside the lanes they belong to. */
function unfold([warp, site, mask, packed, first, second]) {
  const lanes = lanesOf(mask);
  const even = packed && Array.isArray(packed[0]);
  const offsets = packed ? even ? lanes.map((_, i) => packed[0][0] + i * packed[0][1]) : packed : [];
  return { warp, site: movie.sites[site], number: site, mask, lanes, offsets, first, second };
}

const threadName = thread => `(${thread % movie.block[0]},${Math.floor(thread / movie.block[0])})`;

// ---- colours of lines: one each, in the order of the program

const lineKey = site => site && site.places.length ? site.places[0].join(':') : '';
const lineColours = new Map();
for (const site of movie.sites) if (lineKey(site) && !lineColours.has(lineKey(site))) lineColours.set(lineKey(site), lineColours.size);
// The golden angle: neighbours differ, however many there are.
const colourOf = key => lineColours.has(key) ? `hsl(${(210 + lineColours.get(key) * 137.5) % 360} var(--lively))` : 'var(--fill)';

function placeText(site) {
  const text = site.places.map(([file, line]) => `${movie.files[file].name}:${line}`).join(', called from ');
  return (text || 'a line that is not known') + (site.inside ? ` (in ${site.inside})` : '');
}

// ---- the state of a block before and after a step, from its beginning

/** Runs the block's steps up to and with `step`. Threads: last site, at the barrier, ended; words of shared memory. */
function stateAt(steps, step) {
  const threads = Array.from({ length: threadCount }, () => ({ site: null, waits: false, ended: '' }));
  const words = new Map();  // "static:12" → { written, since }: since the last barrier
  let waiting = 0, barriers = 0;
  for (let i = 0; i <= step; ++i) {
    const { warp, site, lanes, offsets } = unfold(steps[i]);
    lanes.forEach((lane, at) => {
      const thread = threads[warp * 32 + lane];
      if (site.act !== 'end') thread.site = site;
      thread.ended = site.act === 'end' ? 'end' : site.act === 'died' ? 'died' : '';
      if (site.act === 'barrier') thread.waits = true, ++waiting;
      if (isShared(site) && writes(site))
        for (let word = Math.floor(offsets[at] / 4); word * 4 < offsets[at] + site.bytes; ++word)
          words.set(`${site.space}:${word}`, barriers);
    });
    if (waiting === threadCount) {
      ++barriers, waiting = 0;
      // All stand there together for this one step, and then go on.
      if (i < step) for (const thread of threads) thread.waits = false;
    }
  }
  return { threads, words, barriers, all: threads.every(t => t.waits) };
}

// ---- panels: each has a node, and show(step, state, block, findings of that step)

function panel(id, title, ...children) {
  return el('section', { id, class: 'card' }, el('h2', {}, title), ...children);
}

function sourcePanel() {
  const title = el('span', {}), box = el('div', { class: 'source', tabindex: 0, role: 'region', 'aria-label': 'Source' });
  const node = panel('source', ['Source: ', title], box);
  let shown = -1, rows = [];
  function load(file) {
    shown = file;
    title.textContent = movie.files[file].name;
    const known = movie.files[file].lines;
    const lines = known || [...new Set(movie.sites.flatMap(s => s.places).filter(p => p[0] === file).map(p => p[1]))].sort((a, b) => a - b);
    rows = [];
    const list = known ? known.map((text, i) => [i + 1, text]) : lines.map(line => [line, '(the file is not here)']);
    box.replaceChildren(...list.map(([line, text]) => {
      const colour = colourOf(`${file}:${line}`), count = el('span', { class: 'count' });
      const row = el('div', { class: 'row' }, el('i', { style: colour === 'var(--fill)' ? '' : `background:${colour}` }),
        el('span', { class: 'number' }, line), count, el('code', {}, text || ' '));
      rows[line] = { row, count };
      return row;
    }));
  }
  function show(step, state) {
    const here = step.site.places[0] || (shown < 0 && movie.files.length ? [0, 1] : null);
    if (!here) return;
    if (here[0] !== shown) load(here[0]);
    const standing = new Map();
    for (const { site, ended } of state.threads)
      if (site && !ended) standing.set(lineKey(site), (standing.get(lineKey(site)) || 0) + 1);
    rows.forEach(({ row, count }, line) => {
      row.classList.toggle('now', step.site.places.length > 0 && line === here[1]);
      row.classList.toggle('caller', step.site.places.slice(1).some(([file, l]) => file === shown && l === line));
      const n = standing.get(`${shown}:${line}`);
      if (count.textContent !== String(n || '')) count.textContent = n || '';
      count.title = n ? `${counted(n, 'thread')} of the block came this far` : '';
    });
    const row = rows[here[1]] && rows[here[1]].row;
    if (!row || !step.site.places.length) return;
    const top = row.offsetTop;
    if (top < box.scrollTop + 40 || top > box.scrollTop + box.clientHeight - 60) box.scrollTop = top - box.clientHeight / 2;
  }
  return { node, show };
}

function gridPanel(go) {
  const most = 256, places = el('div', { class: 'blocks' });
  const filmed = new Map(movie.blocks.map((block, i) => [block.index, i]));
  const numbers = [...Array(Math.min(movie.grid, most)).keys(), ...[...filmed.keys()].filter(n => n >= most)];
  const cells = numbers.map(n => {
    const at = filmed.get(n), wrong = movie.findings.some(f => f.block === n);
    const cell = at === undefined ? el('span', { class: wrong ? 'wrong' : '', title: `block ${n} is not in the movie` }) :
      el('button', { type: 'button', class: wrong ? 'wrong' : '', title: `block ${n}`, onclick: () => go(at, 0) }, n);
    places.append(cell);
    return [at, cell];
  });
  const more = movie.grid > numbers.length ? el('p', { class: 'soft small' }, `… and ${counted(movie.grid - numbers.length, 'block')} more`) : null;
  const node = panel('grid', 'Grid', places, more, movie.leftOut.map(text => el('p', { class: 'soft small' }, text)));
  return { node, show: (step, state, block) => cells.forEach(([at, cell]) => cell.setAttribute('aria-current', String(at === block))) };
}

function threadsPanel(pick) {
  const rows = [], cells = [];
  const table = el('div', { class: 'threads' });
  for (let warp = 0; warp < warpCount; ++warp) {
    const name = el('button', { type: 'button', title: `follow warp ${warp} alone`, onclick: () => pick(warp) }, `warp ${warp}`);
    const row = el('div', { class: 'warp' }, name);
    for (let thread = warp * 32; thread < Math.min(threadCount, warp * 32 + 32); ++thread) {
      cells.push(el('span', {}));
      row.append(cells[thread]);
    }
    rows.push(row);
    table.append(row);
  }
  const note = el('p', { class: 'small soft' }, 'A colour is the line a thread came to, as beside the source. Ringed: takes part in this step, in red if a finding is about it. ' +
    'Striped: waits at a barrier. Hollow: has ended. Crossed: the simulator ended it.');
  const node = panel('threads', 'Threads of the block, a warp each row', table, note);
  function show(step, state, block, found) {
    const accused = new Set(found.map(finding => finding.thread));
    state.threads.forEach((thread, i) => {
      const active = Math.floor(i / 32) === step.warp && (step.mask >>> i % 32 & 1);
      const wrong = accused.has(i);
      const kind = (active ? 'active ' : '') + (wrong ? 'wrong ' : '') + (thread.ended || (thread.waits ? 'waits' : ''));
      const cell = cells[i], colour = thread.site && thread.ended !== 'end' ? colourOf(lineKey(thread.site)) : 'var(--fill)';
      if (cell.className !== kind) cell.className = kind;
      if (cell.dataset.colour !== colour) cell.style.setProperty('--cell', cell.dataset.colour = colour);
      cell.title = `thread ${threadName(i)}, lane ${i % 32} of warp ${Math.floor(i / 32)}: ` + (thread.ended === 'end' ? 'has ended' :
        thread.ended ? 'was ended by the simulator' : !thread.site ? 'not begun' : (thread.waits ? 'waits at the barrier, ' : '') + placeText(thread.site));
    });
    rows.forEach((row, warp) => {
      if (row.classList.contains('now') === (warp === step.warp)) return;
      row.classList.toggle('now', warp === step.warp);
    });
    const row = rows[step.warp], top = row.offsetTop;
    if (top < table.scrollTop || top + row.offsetHeight > table.scrollTop + table.clientHeight) table.scrollTop = top - 20;
  }
  return { node, show };
}

/** The highest word of each kind of shared memory that any block uses. */
function sharedSizes() {
  const sizes = { static: 0, dynamic: 0 };
  for (const block of movie.blocks)
    for (const raw of block.steps) {
      const { site, offsets } = unfold(raw);
      if (isShared(site)) for (const offset of offsets) sizes[site.space] = Math.max(sizes[site.space], Math.ceil((offset + site.bytes) / 4));
    }
  return sizes;
}

function sharedPanel() {
  const sizes = sharedSizes(), canvas = el('canvas', { role: 'img' }), box = el('div', { class: 'shared' }, canvas);
  const said = el('p', { class: 'said' });
  const rows = { static: Math.ceil(sizes.static / 32), dynamic: Math.ceil(sizes.dynamic / 32) }, total = rows.static + rows.dynamic;
  const note = el('p', { class: 'small soft' }, 'A column is a bank, a row 128 bytes. Filled: written since the last barrier; pale: written before it; ' +
    'empty: not written. Numbers are lanes.');
  const node = panel('shared', 'Shared memory, 32 banks', total ? [box, said, note] : el('p', { class: 'soft' }, 'This launch uses none.'));
  const rowOf = (space, word) => (space === 'dynamic' ? rows.static : 0) + Math.floor(word / 32);
  const tall = 13, left = 44;
  function draw(step, state) {
    const width = box.clientWidth || 600, cell = (width - left) / 32, scale = devicePixelRatio || 1;
    canvas.width = width * scale, canvas.height = total * tall * scale;
    canvas.style.height = total * tall + 'px';
    const c = canvas.getContext('2d');
    c.scale(scale, scale);
    c.font = '9px ' + css('--mono'), c.textBaseline = 'middle';
    const [fill, soft, card, past] = ['--fill', '--soft', '--card', '--past'].map(css);
    const rectangle = (space, word, colour) => {
      c.fillStyle = colour;
      c.fillRect(left + word % 32 * cell, rowOf(space, word) * tall, cell - 1, tall - 1);
    };
    for (const space of ['static', 'dynamic'])
      for (let row = 0; row < rows[space]; ++row) {
        c.fillStyle = fill;
        for (let bank = 0; bank < 32; ++bank) c.fillRect(left + bank * cell, rowOf(space, row * 32) * tall, cell - 1, tall - 1);
        c.fillStyle = soft, c.textAlign = 'right';
        c.fillText(row * 128, left - 6, rowOf(space, row * 32) * tall + tall / 2);
      }
    for (const [key, epoch] of state.words) {
      const [space, word] = key.split(':');
      rectangle(space, Number(word), epoch >= state.barriers ? css('--fresh') : past);
    }
    if (!isShared(step.site)) return;
    const colour = step.second ? css('--bad') : css(writes(step.site) ? '--val' : '--train');
    c.textAlign = 'center';
    step.lanes.forEach((lane, i) => {
      const first = Math.floor(step.offsets[i] / 4), last = Math.floor((step.offsets[i] + step.site.bytes - 1) / 4);
      for (let word = first; word <= last; ++word) rectangle(step.site.space, word, colour);
      if (cell < 13) return;
      c.fillStyle = card;
      c.fillText(lane, left + (first % 32 + 0.5) * cell, rowOf(step.site.space, first) * tall + tall / 2);
    });
  }
  function show(step, state) {
    if (!total) return;
    draw(step, state);
    const site = step.site;
    said.textContent = !isShared(site) ? 'Not touched in this step.' :
      `${counted(step.lanes.length, 'lane')} ${writes(site) ? 'write' : 'read'} ${counted(site.bytes, 'byte')} each: ${counted(step.first, 'wavefront')}, ` +
      (step.second ? `${step.second} more than without bank conflicts.` : 'no bank conflict.');
    said.className = 'said' + (isShared(site) ? step.second ? ' bad' : '' : ' soft');
    canvas.setAttribute('aria-label', said.textContent);
    if (!isShared(site)) return;
    const top = rowOf(site.space, Math.floor(step.offsets[0] / 4)) * tall;
    if (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 2 * tall) box.scrollTop = top - 3 * tall;
  }
  return { node, show };
}

function globalPanel() {
  const said = el('p', { class: 'said' }), sectors = el('div', { class: 'sectors' });
  const note = el('p', { class: 'small soft' }, 'A GPU moves pieces of 32 bytes, drawn here as eight words. Arrays are taken to begin where a piece begins.');
  const node = panel('global', 'Global memory', said, sectors, note);
  const about = argument => {
    const a = movie.arguments.find(one => one.argument === argument);
    return `argument ${argument}` + (a ? ` (${counted(a.elements, 'element')} of ${counted(a.bytes, 'byte')})` : '');
  };
  function show(step) {
    const site = step.site;
    if (site.space !== 'global') {
      said.textContent = site.space === 'outside' ? 'An address outside of every buffer that the launch was given.' : 'Not touched in this step.';
      said.className = 'said ' + (site.space === 'outside' ? 'bad' : 'soft');
      return sectors.replaceChildren();
    }
    const well = step.first <= step.second;
    said.textContent = `${counted(step.lanes.length, 'lane')} ${writes(site) ? 'write' : 'read'} ${about(site.argument)}, ${counted(site.bytes, 'byte')} each: ` +
      (well ? `${step.first} of ${counted(step.second, 'sector')}, coalesced.` : `${counted(step.first, 'sector')}, where ${step.second} would do: not coalesced.`);
    said.className = 'said' + (well ? '' : ' bad');
    const words = new Map();
    step.lanes.forEach((lane, i) => {
      for (let word = Math.floor(step.offsets[i] / 4); word * 4 < step.offsets[i] + site.bytes; ++word)
        if (!words.has(word)) words.set(word, lane);
    });
    const touched = [...new Set([...words.keys()].map(word => Math.floor(word / 8)))].sort((a, b) => a - b);
    sectors.replaceChildren(...touched.map(sector => el('div', { class: 'sector', title: `bytes ${sector * 32} to ${sector * 32 + 31}` },
      el('small', {}, sector * 32), [...Array(8).keys()].map(i => {
        const lane = words.get(sector * 8 + i);
        return el('span', { class: lane === undefined ? '' : writes(site) ? 'write' : 'read' }, lane === undefined ? '' : lane);
      }))));
  }
  return { node, show };
}
