// The page that sets several runs side by side.
'use strict';

const runs = data.runs;
const palette = ['train', 'val', 'third', 'fourth'];
// Beyond four runs: colours that differ from these, and from each other, on light and on dark.
const more = ['#b8860b', '#d6336c', '#0f9aa8', '#8d6e63', '#7a8b00', '#5c6bc0', '#8a949e', '#ff7043'];
const color = i => i < palette.length ? css(palette[i]) : more[i - palette.length] || `hsl(${(i * 67) % 360} 55% 52%)`;
/** Folders may share their last name: then they get numbers. */
const names = runs.map((run, i) => runs.filter(other => other.name === run.name).length > 1 ? `${run.name} (${i + 1})` : run.name);

const seconds = run => (run.config.epoch_seconds || []).length ? median(run.config.epoch_seconds) : null;
const speed = run => run.steps.images_per_s && run.steps.images_per_s.length ? median(run.steps.images_per_s.filter(v => v !== null)) : null;
const step = run => run.profile ? run.profile.seconds : null;

function curves() {
  const chart = (title, key, log) => new LineChart({ title, xLabel: 'epoch', log, series: runs.map((run, i) =>
    ({ name: names[i], color: color(i), x: run.epochs.epoch, y: run.epochs[key], dots: true })).filter(s => s.x.length) });
  const bySteps = (title, key, log) => new LineChart({ title, xLabel: 'iteration', log, series: runs.map((run, i) =>
    ({ name: names[i], color: color(i), x: run.steps.iteration, y: run.steps[key] })).filter(s => s.x.length) });
  const charts = [chart('Training loss', 'train_loss', false), chart('Validation loss', 'val_loss', false),
    chart('Validation top-1, %', 'val_top1'), chart('Validation top-5, %', 'val_top5'), chart('Training top-1, %', 'train_top1'),
    ...(runs.some(robust) ? [chart('Robust top-1, %', 'val_robust_top1')] : []),
    chart('Learning rate', 'lr', false), bySteps('Training loss by iteration', 'loss', false), bySteps('Images a second', 'images_per_s')];
  return section('curves', 'Curves',
    el('p', { class: 'soft small' }, 'Drag to zoom, double-click for the whole; names hide their curves.'),
    el('div', { class: 'grid' }, charts.map(c => c.node)));
}

/** A bar for each run; the text says how the run compares with the first. */
function bars(title, value, show, note) {
  const values = runs.map(value), known = values.filter(v => v !== null && Number.isFinite(v));
  if (!known.length) return null;
  const most = Math.max(...known);
  return el('div', { class: 'card' }, el('h3', {}, title), note ? el('p', { class: 'soft small' }, note) : null,
    el('div', { class: 'bars one wide-numbers' }, runs.map((run, i) => {
      const v = values[i], ratio = i > 0 && Number.isFinite(v) && values[0] ? ` (× ${(v / values[0]).toFixed(2)})` : '';
      return bar(names[i], [[Number.isFinite(v) && most > 0 ? v / most : 0, color(i)]], v === null ? '–' : show(v) + ratio);
    })));
}

function costs() {
  const cards = [
    bars('Time of an epoch, validation included', seconds, duration, 'The median of the run’s epochs; × counts the first run as 1.'),
    bars('Images a second in training', speed, v => count(Math.round(v)), 'The median step.'),
    bars('Memory: the peak of tensors', run => run.config.peak_memory_bytes || null, bytes),
    bars('Memory of the whole process', run => run.config.peak_process_bytes || null, bytes),
    bars('Best validation top-1', run => best(run) < 0 ? null : run.epochs.val_top1[best(run)], percent),
    bars('Best robust top-1', run => robust(run) ? robust(run).best : null, percent, 'Of validation images under PGD-10.'),
    bars('Parameters', run => run.config.parameters || null, count),
    bars('One step, kernel by kernel', step, v => (1000 * v).toFixed(1) + ' ms', 'Of runs with --profile.'),
    bars('Kept for the backward pass', run => run.profile ? sum(run.profile.layers.map(l => l.saved_bytes)) : null, bytes, 'Of runs with --profile.'),
  ].filter(Boolean);
  return section('cost', 'Time, memory and accuracy', el('div', { class: 'grid' }, cards));
}

/** Layers that all profiles have, beside each other. */
function layerTimes() {
  const with_profile = runs.map((run, i) => ({ run, i })).filter(({ run }) => run.profile);
  if (with_profile.length < 2) return null;
  const layer = (run, name) => run.profile.layers.find(l => l.name === name);
  const all = [...new Set(with_profile.flatMap(({ run }) => run.profile.layers.map(l => l.name)))];
  const ms = l => l ? (1000 * (l.forward + l.backward)).toFixed(2) : '–';
  return section('layers', 'Time by layer', el('div', { class: 'card' }, el('p', { class: 'soft small' }, 'Milliseconds of one step, forward and backward.'),
    table([['layer', ...with_profile.map(({ i }) => names[i])], ...all.map(name => [name, ...with_profile.map(({ run }) => ms(layer(run, name)))])])));
}

/** Only what differs, and then everything that was typed. */
function differences() {
  const facts = run => ({ model: run.config.model, ...Object.fromEntries(Object.entries(run.config.flags || {}).map(([k, v]) => [k, v.join(', ')])),
    convolutions: (run.config.convolutions || []).join(', '), device: ((run.config.machine || {}).gpu || (run.config.machine || {}).device) });
  const all = runs.map(facts), keys = [...new Set(all.flatMap(f => Object.keys(f)))];
  const differing = keys.filter(k => new Set(all.map(f => f[k])).size > 1);
  return section('made', 'What differs', el('div', { class: 'card' },
    differing.length ? table([['', ...names], ...differing.map(k => [k, ...all.map(f => f[k] === undefined ? '–' : String(f[k]))])], 'words')
      : el('p', {}, 'No flag differs.'),
    runs.map((run, i) => el('div', {}, el('h3', { style: 'margin-top:14px' }, names[i]), (run.config.commands || []).map(words => el('pre', {}, commandLine(words)))))));
}

function summary() {
  const rows = [['run', 'model', 'epochs', 'best top-1', 'top-5 there', 'lowest val loss', 'an epoch', 'images/s', 'peak memory']];
  runs.forEach((run, i) => {
    const at = best(run), losses = run.epochs.val_loss.filter(v => v !== null);
    rows.push([el('span', {}, el('span', { style: `display:inline-block;width:10px;height:10px;border-radius:50%;margin-right:8px;background:${color(i)}` }), names[i]),
      run.config.model || '–', String(run.epochs.epoch.length), at < 0 ? '–' : percent(run.epochs.val_top1[at]), at < 0 ? '–' : percent(run.epochs.val_top5[at]),
      losses.length ? short(Math.min(...losses)) : '–', duration(seconds(run)), speed(run) ? count(Math.round(speed(run))) : '–', bytes(run.config.peak_memory_bytes)]);
  });
  return el('div', { class: 'card', style: 'margin:18px 0' }, table(rows));
}

const sections = [curves(), costs(), layerTimes(), differences()].filter(Boolean);
document.body.append(el('div', { class: 'inner' }, el('header', { class: 'top' }, el('h1', {}, `${runs.length} runs compared`), summary())),
  navigation(sections), el('main', {}, sections, el('footer', {}, `Written by Tweed at ${data.written}. One file, which asks nobody for anything.`)));
