// The page of one run.
'use strict';

const run = data.runs[0];
const { config, epochs, steps, layers, validation, profile, weights, images } = run;
const colors = { training: css('train'), validation: css('val') };

function header() {
  const at = best(run), done = epochs.epoch.length, c = config;
  const speed = steps.images_per_s && steps.images_per_s.length ? median(steps.images_per_s) : null;
  const status = c.status || 'finished', attacked = robust(run);
  const tiles = [
    tile(at < 0 ? '–' : percent(epochs.val_top1[at]), at < 0 ? 'top-1' : `best top-1 (epoch ${epochs.epoch[at]})`, 'on validation images'),
    tile(at < 0 ? '–' : percent(epochs.val_top5[at]), 'top-5 there'),
    tile(at < 0 ? '–' : short(epochs.val_loss[at]), 'loss there'),
    attacked ? tile(percent(attacked.best), `best robust top-1 (epoch ${attacked.epoch})`, 'of validation images under PGD-10') : null,
    tile(String(done), done === 1 ? 'epoch' : 'epochs'),
    tile(duration(c.seconds), 'in all', 'training and validation'),
    speed ? tile(count(Math.round(speed)), 'images/s, median') : null,
    tile(bytes(c.peak_memory_bytes), 'peak of tensors', 'of the whole process: ' + bytes(c.peak_process_bytes)),
  ];
  const d = c.data || {};
  return el('header', { class: 'top' },
    el('div', { class: 'line' }, el('h1', {}, run.name), el('span', { class: 'badge ' + status, id: 'status' }, status)),
    el('p', { class: 'soft' }, `${c.model || 'network'}, ${count(c.parameters || 0)} parameters${weights ? ` (${weights.file}: ${bytes(weights.bytes)})` : ''}, on ${d.name || 'data'}: ` +
      `${count(d.training_images || 0)} training and ${count(d.validation_images || 0)} validation images ` +
      `of ${d.image_size}×${d.image_size}, ${count(d.classes || 0)} classes`),
    weights && weights.bytes > weights.limit ? el('p', { class: 'bad small' }, `${weights.file} is larger than the ${bytes(weights.limit)} ` +
      'that coursework may be handed in with: --half-weights, of training and of export_weights, halves it.') : null,
    el('div', { class: 'tiles' }, tiles));
}

/** Steps as a fine line with the range behind it, and epochs on the same axis as steps. */
function curves() {
  const charts = [];
  const byStep = steps.iteration && steps.iteration.length > 1;
  const ends = run.epoch_ends;
  const x = byStep && ends.length === epochs.epoch.length ? ends : epochs.epoch;
  const axis = x === ends ? 'iteration' : 'epoch';
  const series = (name, ys, color) => ({ name, color, x, y: ys || [], dots: true });
  const ofSteps = (name, key, color, band) => ({ name, color, x: steps.iteration, y: steps[key],
    low: band && steps[key + '_low'], high: band && steps[key + '_high'] });
  const pair = (title, key, stepKey, log, more) => charts.push(new LineChart({ title, xLabel: axis, log, series: [
    axis === 'iteration' && stepKey ? ofSteps('training', stepKey, colors.training, true)
      : series('training', epochs['train_' + key], colors.training),
    series('validation', epochs['val_' + key], colors.validation), ...(more || [])] }));
  pair('Loss', 'loss', 'loss', false);
  const attacked = robust(run);
  pair('Top-1 accuracy, %', 'top1', 'top1', undefined,
    attacked ? [series('under attack', epochs.val_robust_top1, css('fourth'))] : []);
  pair('Top-5 accuracy, %', 'top5', null);
  charts.push(new LineChart({ title: 'Learning rate', xLabel: axis, log: false, series: [
    axis === 'iteration' ? ofSteps('rate', 'lr', css('third')) : series('rate', epochs.lr, css('third'))] }));
  if (byStep) {
    charts.push(new LineChart({ title: 'Images a second', xLabel: 'iteration', series: [
      ofSteps('images/s', 'images_per_s', css('fourth'), true)] }));
    if (steps.gradient_first_conv.some(v => v > 0))
      charts.push(new LineChart({ title: 'Largest gradient, max |dL/dw|', xLabel: 'iteration', log: true, series: [
        ofSteps('first convolution', 'gradient_first_conv', css('third')),
        ofSteps('last convolution', 'gradient_last_conv', css('fourth'))] }));
  }
  const rows = [['epoch', 'rate', 'loss', 'top-1 %', 'top-5 %', 'val loss', 'val top-1 %', 'val top-5 %', 'calibration error %', ...(attacked ? ['robust top-1 %'] : [])]];
  epochs.epoch.forEach((epoch, i) => rows.push([String(epoch), short(epochs.lr[i]), short(epochs.train_loss[i]),
    ...['train_top1', 'train_top5'].map(k => epochs[k][i].toFixed(2)), short(epochs.val_loss[i]),
    ...['val_top1', 'val_top5'].map(k => epochs[k][i].toFixed(2)), short(epochs.val_calibration_error[i]),
    ...(attacked ? [epochs.val_robust_top1[i] === null ? '–' : epochs.val_robust_top1[i].toFixed(2)] : [])]));
  const list = table(rows), at = best(run);
  if (at >= 0) list.querySelectorAll('tbody tr')[at].classList.add('best');
  return section('curves', 'Curves',
    el('p', { class: 'soft small' }, 'Drag to zoom, double-click for the whole; names hide their curves. With the keyboard: arrows, + and −.'),
    attacked ? el('p', {}, `Under PGD-10 at best ${percent(attacked.best)} of ${attacked.images} validation images were right, in epoch ${attacked.epoch}. ` + robustNote(attacked)) : null,
    el('div', { class: 'grid' }, charts.map(chart => chart.node)),
    epochs.epoch.length ? el('details', {}, el('summary', {}, 'The same as a table'), list) : null);
}

function classBars() {
  const v = validation, rows = v.classes.map((name, i) => ({ name, n: v.counts[i],
    top1: v.right[i] / v.counts[i], top5: v.top5[i] / v.counts[i] })).filter(row => row.n > 0);
  const host = el('div', { class: 'bars' });
  const orders = { 'worst first': (a, b) => a.top1 - b.top1, 'best first': (a, b) => b.top1 - a.top1,
    'by name': (a, b) => a.name.localeCompare(b.name) };
  const buttons = choice('classes', Object.keys(orders), order => host.replaceChildren(...rows.sort(orders[order]).map(row =>
    bar(row.name, [[row.top5, css('train'), .3], [row.top1, css('train')]], (100 * row.top1).toFixed(0) + ' %',
      `${row.name}: top-1 ${percent(100 * row.top1)}, top-5 ${percent(100 * row.top5)} of ${row.n} images`))));
  const mean = sum(rows.map(row => row.top1)) / rows.length;
  return el('div', { class: 'card wide' },
    el('div', { class: 'head' }, el('h3', {}, `Right answers by class (mean ${percent(100 * mean)})`), buttons),
    el('p', { class: 'soft small' }, 'Solid: the first answer is right. Pale: one of the first five is.'), host);
}

/** Guo et al. 2017: how often answers of about the same probability are right; on the diagonal, as often as they say. */
function reliability() {
  const c = validation.calibration;
  if (!c || !c.bins || !Number.isFinite(c.error)) return null;
  const side = 300, left = 44, bottom = 40, top = 8, n = c.bins.length, most = Math.max(...c.bins.map(bin => bin.count));
  const x = share => left + share * side, y = percents => top + side * (1 - percents / 100);
  const parts = [0, 25, 50, 75, 100].flatMap(t => [
    svg('line', { class: 'rule', x1: left, x2: left + side, y1: y(t), y2: y(t) }),
    svg('text', { x: left - 7, y: y(t) + 4, 'text-anchor': 'end' }, t),
    svg('text', { x: x(t / 100), y: top + side + 16, 'text-anchor': 'middle' }, t)]);
  c.bins.forEach((bin, i) => {
    if (!bin.count) return;
    const low = Math.min(bin.right, bin.confidence), high = Math.max(bin.right, bin.confidence), width = side / n - 2;
    const words = `says ${percent(bin.confidence)}, is right in ${percent(bin.right)} of ${count(bin.count)}`;
    const group = svg('g', { opacity: 0.45 + 0.55 * Math.sqrt(bin.count / most) });
    group.append(svg('title', {}, words),
      svg('rect', { class: 'right', x: x(i / n) + 1, width, y: y(bin.right), height: side * bin.right / 100 }),
      svg('rect', { class: bin.right < bin.confidence ? 'gap over' : 'gap', x: x(i / n) + 1, width, y: y(high), height: side * (high - low) / 100 }));
    parts.push(group);
  });
  parts.push(svg('line', { class: 'even', x1: x(0), y1: y(0), x2: x(1), y2: y(100) }),
    svg('line', { class: 'axis', x1: left, x2: left + side, y1: y(0), y2: y(0) }),
    svg('text', { x: left + side / 2, y: top + side + 33, 'text-anchor': 'middle' }, 'what the answer says of itself, %'),
    svg('text', { transform: `translate(11 ${top + side / 2}) rotate(-90)`, 'text-anchor': 'middle' }, 'right answers, %'));
  const picture = svg('svg', { class: 'reliability', viewBox: `0 0 ${left + side + 10} ${top + side + bottom}`, role: 'img',
    'aria-label': `Reliability diagram: calibration error ${percent(c.error)}` });
  picture.append(...parts);
  const rows = c.bins.flatMap((bin, i) => bin.count ? [[`${(100 * i / n).toFixed(0)} – ${(100 * (i + 1) / n).toFixed(0)} %`,
    count(bin.count), percent(bin.confidence), percent(bin.right)]] : []);
  const sure = c.confidence - c.right, word = Math.abs(sure) < 1 ? 'about as sure as it is right' : sure > 0 ? 'too sure' : 'not sure enough';
  return el('div', { class: 'card wide' }, el('h3', {}, `Is it as sure as it is right? Calibration error ${percent(c.error)}`),
    el('p', { class: 'soft small' }, `On average its answers say ${percent(c.confidence)}, and ${percent(c.right)} are right: it is ${word}. ` +
      'Bars: how many answers are right, by the probability that they give themselves; red is missing, green is beyond it. Paler where there are few.'),
    el('div', { class: 'confusion' }, el('div', {}, picture), el('div', {}, table([['answers that say', 'images', 'on average', 'right'], ...rows]))));
}

/** Rows are true classes, columns answers; names and numbers where there is room for them. */
function confusion() {
  const v = validation, n = v.classes.length, side = 620, named = n <= 40, margin = named ? 120 : 0;
  const cell = (side - margin) / n, scale = 2, counts = new Map(v.confusion.map(([truth, said, k]) => [truth * n + said, k]));
  const canvas = el('canvas', { width: side * scale, height: (side - margin) * scale, role: 'img',
    'aria-label': 'Confusion matrix; the table beside it has its largest mistakes' });
  const paint = () => {
    const c = canvas.getContext('2d'), style = getComputedStyle(document.documentElement);
    const rgb = style.getPropertyValue('--cell'), ink = style.getPropertyValue('--text'), card = style.getPropertyValue('--card');
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, side, side);
    c.fillStyle = style.getPropertyValue('--fill');
    c.fillRect(margin, 0, n * cell, n * cell);
    c.textBaseline = 'middle';
    c.font = `${Math.max(8, Math.min(12, cell * 0.8))}px ${style.getPropertyValue('--sans')}`;
    for (const [truth, said, k] of v.confusion) {
      const share = k / v.counts[truth];
      c.fillStyle = `rgba(${rgb},${Math.max(0.08, Math.sqrt(share))})`;
      c.fillRect(margin + said * cell, truth * cell, cell - (cell > 8 ? 1 : 0), cell - (cell > 8 ? 1 : 0));
      if (cell < 26) continue;
      c.fillStyle = share > 0.3 ? card : ink;
      c.textAlign = 'center';
      c.fillText(k, margin + (said + 0.5) * cell, (truth + 0.5) * cell);
    }
    c.fillStyle = ink;
    c.textAlign = 'right';
    if (named) v.classes.forEach((name, i) => c.fillText(name, margin - 8, (i + 0.5) * cell, margin - 10));
  };
  paint();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);
  canvas.addEventListener('pointermove', event => {
    const box = canvas.getBoundingClientRect(), zoom = side / box.width;
    const said = Math.floor(((event.clientX - box.left) * zoom - margin) / cell), truth = Math.floor((event.clientY - box.top) * zoom / cell);
    if (said < 0 || truth < 0 || said >= n || truth >= n) { tip.hide(); return; }
    tip.show(event.clientX, event.clientY, [
      el('div', {}, el('span', {}, 'is'), el('b', {}, v.classes[truth])),
      el('div', {}, el('span', {}, 'answer'), el('b', {}, v.classes[said])),
      el('div', {}, el('span', {}, 'images'), el('b', {}, `${counts.get(truth * n + said) || 0} of ${v.counts[truth]}`))]);
  });
  canvas.addEventListener('pointerleave', () => tip.hide());
  const pairs = v.confusion.filter(([truth, said]) => truth !== said).sort((a, b) => b[2] - a[2]).slice(0, 12);
  return el('div', { class: 'card wide' }, el('h3', {}, 'Which class is taken for which'),
    el('div', { class: 'confusion' },
      el('div', {}, canvas, el('p', { class: 'soft small' }, 'Rows: the true class. Columns, in the same order: the answer.')),
      el('div', {}, pairs.length ? table([['is', 'answer', 'images'],
        ...pairs.map(([truth, said, k]) => [v.classes[truth], v.classes[said], String(k)])], 'words') : 'No mistake.')));
}

function predictions() {
  const v = validation, host = el('div', { class: 'gallery' });
  const figure = s => {
    const right = s.label === s.predicted, is = v.classes[s.label], said = v.classes[s.predicted];
    return el('figure', { title: s.file }, el('img', { src: s.image, alt: `an image of ${is}`, loading: 'lazy' }),
      el('b', {}, is), el('span', { class: right ? 'good' : 'bad' }, `${said} ${(100 * s.probability).toFixed(0)} %`),
      el('span', { class: 'soft' }, s.loss === undefined ? 'loss infinite' : 'loss ' + short(s.loss)));
  };
  const lists = { 'right': v.samples.right, 'wrong': v.samples.wrong, 'worst losses': v.samples.worst };
  const buttons = choice('predictions', Object.keys(lists), name => host.replaceChildren(...(lists[name].length
    ? lists[name].map(figure) : [el('p', { class: 'soft' }, 'There are none.')])));
  return el('div', { class: 'card wide' },
    el('div', { class: 'head' }, el('h3', {}, 'Validation images: what they are, and what the network says'), buttons), host);
}

/** From the first layer to the last: blue to red by way of green, readable on light and dark. */
const ramp = (i, n) => `hsl(${220 - 215 * i / Math.max(1, n - 1)} 65% 52%)`;

function network() {
  const cards = [];
  if (images.filters)
    cards.push(el('div', { class: 'card wide' }, el('h3', {}, 'Filters of the first convolution'),
      el('img', { class: 'filters', src: images.filters, alt: 'filters of the first convolution' }),
      el('p', { class: 'soft small' }, 'Each stretched from its smallest weight to its largest.')));
  const size = (title, key, note) => {
    const shown = layers.filter(layer => layer[key].some(v => v > 0))
      .map(layer => key === 'activation' ? { ...layer, name: layer.name.replace(/\.\w+$/, '') } : layer);
    if (!shown.length) return;
    const values = shown.map(layer => last(layer[key])), top = Math.log10(Math.max(...values)), range = Math.max(1, top - Math.log10(Math.min(...values.filter(v => v > 0))));
    cards.push(el('div', { class: 'card' }, el('h3', {}, title), el('p', { class: 'soft small' }, note),
      el('div', { class: 'bars one' }, shown.map((layer, i) => bar(layer.name,
        [[values[i] > 0 ? 1 - (top - Math.log10(values[i])) / (range * 1.15) : 0, ramp(i, shown.length)]], short(values[i]))))));
    if (epochs.epoch.length > 1)
      cards.push(new LineChart({ title: title + ', by epoch', xLabel: 'epoch', log: true, series: shown.map((layer, i) =>
        ({ name: layer.name, color: ramp(i, shown.length), x: layer.epoch, y: layer[key], dots: true })) }).node);
  };
  size('Gradients: max |dL/dw| by layer', 'gradient', 'At the end of the last epoch, on a logarithmic scale, from the input to the output.');
  size('Activations: root mean square by layer', 'activation', 'Of some validation images. Values that fade or explode on the way are hard to train through.');
  return cards.length ? section('network', 'Inside the network', el('div', { class: 'grid' }, cards)) : null;
}

function cost() {
  if (!profile) return null;
  const rows = profile.layers, ms = s => (1000 * s).toFixed(2);
  const time = sum(rows.map(r => r.forward + r.backward)), kept = sum(rows.map(r => r.saved_bytes)) || 1;
  return section('cost', 'Time and memory by layer', el('div', { class: 'card' },
    el('p', {}, `One training step of ${profile.batch_size} images: ${ms(profile.seconds)} ms. ` +
      `Parameters ${bytes(profile.parameter_bytes)}, their gradients ${bytes(profile.gradient_bytes)}, the optimizer's state ${bytes(profile.optimizer_bytes)}, ` +
      `kept for the backward pass ${bytes(kept)}; peak ${bytes(profile.peak_bytes)}. ` +
      'Less than nothing is kept where an output of a layer goes away again because no backward pass needs it.'),
    table([['layer', 'forward ms', 'backward ms', 'share of time', 'kept for backward', 'parameters', 'output'],
      ...rows.map(r => [r.name, ms(r.forward), ms(r.backward),
        el('span', { class: 'bar', style: 'grid-template-columns:1fr 3.6em;min-width:130px' },
          el('span', { class: 'track' }, el('span', { style: `width:${100 * (r.forward + r.backward) / time}%;background:${css('train')}` })),
          el('span', { class: 'number' }, (100 * (r.forward + r.backward) / time).toFixed(1) + ' %')),
        bytes(r.saved_bytes), bytes(r.parameter_bytes), r.output]), ...(profile.other ? [['other', ms(profile.other), '', '', '', '', '']] : [])])),
  ...tensors(profile.tensors || []));
}

/** What the memory of a step is made of. */
function tensors(all) {
  const shown = all.slice(0, 20), rest = all.slice(20);
  return all.length ? [el('div', { class: 'card', style: 'margin-top:14px' }, el('h3', {}, 'Memory by tensor'),
    el('p', {}, 'When the forward pass has ended; gradients and the optimizer\'s state are as large as the parameters, or twice that.'),
    table([['tensor', 'what', 'shape', 'bytes'], ...shown.map(t => [t.name, t.kind === 'kept' ? 'kept for backward' : t.kind, t.shape, bytes(t.bytes)]),
      ...(rest.length ? [[`${rest.length} more`, '', '', bytes(sum(rest.map(t => t.bytes)))]] : [])]))] : [];
}

function sheets() {
  const named = [['saliency', 'Saliency: which pixels the answers depend on'], ['attack', 'Under attack']].filter(([key]) => images[key]);
  return named.length ? section('sheets', 'Saliency and attacks', named.map(([key, title]) =>
    el('div', { class: 'card', style: 'margin-bottom:14px' }, el('h3', {}, title), el('img', { class: 'sheet', src: images[key], alt: title })))) : null;
}

function making() {
  const c = config, m = c.machine || {}, versions = c.versions || {};
  const facts = [['started', c.started], ['last written', c.updated], ['device', m.gpu || [m.device, m.processor].filter(Boolean).join(', ')],
    ['convolutions', (c.convolutions || []).join(', ')], ['seed', c.seed],
    ['versions', Object.entries(versions).map(([k, v]) => `${k} ${v}`).join(', ')],
    ['seconds an epoch', (c.epoch_seconds || []).length ? short(median(c.epoch_seconds)) + ' (median)' : '–']];
  return section('made', 'How it was made', el('div', { class: 'grid' },
    el('div', { class: 'card' }, el('h3', {}, (c.commands || []).length > 1 ? 'The commands' : 'The command'),
      (c.commands || []).map(words => el('pre', {}, commandLine(words))),
      table([['', ''], ...facts.filter(([, v]) => v !== undefined && v !== '').map(([k, v]) => [k, String(v)])], 'words')),
    el('div', { class: 'card' }, el('h3', {}, 'Every flag that held'),
      table([['flag', 'value'], ...Object.entries(c.flags || {}).map(([k, v]) => [k, v.join(', ')])], 'words'))));
}

function writeUp() {
  const parts = draft(run);
  const text = parts.map(([title, words]) => `${title}\n${words}`).join('\n\n');
  const button = el('button', { type: 'button' }, 'Copy');
  button.addEventListener('click', async () => {
    try { await navigator.clipboard.writeText(text); button.textContent = 'Copied'; } catch { button.textContent = 'The browser refused'; }
  });
  return section('draft', 'Draft of a write-up', el('div', { class: 'card' },
    el('div', { class: 'head' }, el('p', { class: 'soft small' }, 'From what this run did. The why is yours to write.'), button),
    el('div', { class: 'draft' }, parts.map(([title, words]) => [el('h3', {}, title), el('p', {}, words)]))));
}

/** A run that goes on: the page loads itself anew, unless somebody is looking closely at something. */
function follow() {
  if (config.status !== 'running') return null;
  const pause = 10_000, silent = 15 * 60_000;
  const age = Date.now() - Date.parse(config.updated);
  const badge = document.getElementById('status');
  if (age > silent) {
    badge.className = 'badge stopped';
    badge.textContent = 'no news for ' + duration(age / 1000) + ': it may have been killed';
  }
  let busy = 0, on = memory.get('follow') !== false;
  for (const kind of ['pointermove', 'keydown', 'wheel', 'touchstart']) addEventListener(kind, () => { busy = Date.now(); }, { passive: true });
  const button = el('button', { type: 'button', 'aria-pressed': String(on) }, 'refreshes itself');
  button.addEventListener('click', () => {
    on = !on;
    memory.set('follow', on);
    button.setAttribute('aria-pressed', String(on));
  });
  badge.after(button);
  setInterval(() => { if (on && !document.hidden && Date.now() - busy > pause / 2) location.reload(); }, pause);
}

const answers = validation ? section('answers', 'Answers', el('div', { class: 'grid' }, predictions(), classBars(), reliability(), confusion()),
  el('p', { class: 'soft small' }, `After epoch ${validation.epoch}, on ${count(validation.images)} validation images.`)) : null;
const sections = [curves(), answers, network(), cost(), sheets(), making(), writeUp()].filter(Boolean);
document.body.append(el('div', { class: 'inner' }, header()), navigation(sections), el('main', {}, sections,
  el('footer', {}, `Written by Tweed ${(config.versions || {}).tweed || ''} at ${data.written}. One file, which asks nobody for anything.`)));
follow();
