// A movie's page: which step is shown, and how one gets to another.
'use strict';

const at = { block: 0, step: 0, warp: -1 };  // warp: the one that is followed, or -1 for all
const steps = () => movie.blocks[at.block] ? movie.blocks[at.block].steps : [];

/** The next step in a direction, of the warp that is followed; over the block's end into its neighbour. */
function neighbour(direction) {
  let { block, step } = at;
  for (;;) {
    step += direction;
    if (step < 0 || step >= movie.blocks[block].steps.length) {
      block += direction;
      if (block < 0 || block >= movie.blocks.length) return null;
      step = direction > 0 ? -1 : movie.blocks[block].steps.length;
      continue;
    }
    if (at.warp < 0 || movie.blocks[block].steps[step][0] === at.warp) return [block, step];
  }
}

function go(block, step) {
  at.block = block;
  at.step = Math.max(0, Math.min(step, steps().length - 1));
  show();
}
function move(direction) {
  const next = neighbour(direction);
  if (next) go(...next);
  return next !== null;
}

// ---- play

let timer = null;
const speeds = [['1 a second', 1], ['3 a second', 3], ['10 a second', 10], ['40 a second', 40]];
const speed = el('select', { 'aria-label': 'Speed', onchange: () => timer && play() },
  speeds.map(([name, rate]) => el('option', { value: rate, selected: rate === 3 }, name)));
const playButton = el('button', { type: 'button', class: 'play', onclick: () => timer ? pause() : play() }, 'Play');

function pause() {
  clearInterval(timer);
  timer = null;
  playButton.textContent = 'Play';
}
function play() {
  pause();
  if (!neighbour(1)) go(0, 0);
  playButton.textContent = 'Pause';
  timer = setInterval(() => move(1) || pause(), 1000 / Number(speed.value));
}

// ---- controls

const button = (text, title, act) => el('button', { type: 'button', title, 'aria-label': title, onclick: () => { pause(); act(); } }, text);
const slider = el('input', { type: 'range', min: 0, 'aria-label': 'Step of the block', oninput: () => { pause(); go(at.block, Number(slider.value)); } });
const position = el('span', { class: 'position' });
const followed = el('select', { 'aria-label': 'Warp to follow', onchange: () => follow(Number(followed.value)) },
  el('option', { value: -1 }, 'all warps'), [...Array(warpCount).keys()].map(warp => el('option', { value: warp }, `warp ${warp}`)));

function follow(warp) {
  at.warp = warp;
  followed.value = warp;
  if (warp >= 0 && steps().length && steps()[at.step][0] !== warp && !move(1)) move(-1);
}

const placed = movie.findings.filter(finding => finding.at);
function jump() {
  const after = placed.find(f => f.at[0] > at.block || (f.at[0] === at.block && f.at[1] > at.step)) || placed[0];
  if (after) go(...after.at);
}

const now = el('p', { id: 'now' });
const controls = el('div', { class: 'controls' }, now, el('div', { class: 'buttons' },
  button('|◀', 'To the beginning of the block (Home)', () => go(at.block, 0)), button('◀', 'A step back (arrow left)', () => move(-1)), playButton,
  button('▶', 'A step on (arrow right)', () => move(1)), button('▶|', 'To the end of the block (End)', () => go(at.block, steps().length - 1)),
  placed.length ? button('Next finding', 'To the next finding (N)', jump) : null, followed, speed, position), slider);

// ---- the page

function findingsPanel() {
  const items = movie.findings.map(finding => [finding, el('li', {}, finding.at ?
    el('button', { type: 'button', onclick: () => { pause(); go(...finding.at); } }, finding.text) :
    el('span', {}, finding.text, el('span', { class: 'soft' }, ` Block ${finding.block} is not in the movie.`)))]);
  const node = el('section', { id: 'findings', class: 'card' }, el('h2', {}, counted(items.length, 'finding')), el('ol', {}, items.map(([, item]) => item)));
  return { node, show: () => items.forEach(([{ at: there }, item]) =>
    item.classList.toggle('now', !!there && there[0] === at.block && there[1] === at.step)) };
}

function describe(step) {
  const lanes = step.lanes.length, all = Math.min(32, threadCount - step.warp * 32);
  const who = lanes === all ? `all ${lanes} lanes` : `${lanes} of ${all} lanes`;
  return [el('b', {}, `Block ${movie.blocks[at.block].index}, warp ${step.warp}, ${who}: `),
    step.site.act === 'end' ? 'the kernel ends for them' :
      step.site.act === 'died' ? `stopped by the simulator at ${placeText(step.site)}` : `${step.site.what} at ${placeText(step.site)}`];
}

const panels = [sourcePanel(), threadsPanel(follow), gridPanel((block, step) => { pause(); go(block, step); }), sharedPanel(), globalPanel()];
const findings = movie.findings.length ? findingsPanel() : null;
if (findings) panels.push(findings);

function show() {
  if (!steps().length) return;
  const step = unfold(steps()[at.step]), state = stateAt(steps(), at.step);
  const found = placed.filter(finding => finding.at[0] === at.block && finding.at[1] === at.step);
  for (const one of panels) one.show(step, state, at.block, found);
  now.replaceChildren(...describe(step));
  if (state.all) now.append(' – all threads are there: the barrier opens');
  slider.max = steps().length - 1;
  slider.value = at.step;
  position.textContent = `step ${at.step + 1} of ${steps().length}`;
}

const [source, threads, grid, shared, global] = panels.map(one => one.node);
const shape = `${counted(movie.grid, 'block')} of ${movie.block[1] > 1 ? `${movie.block[0]} × ${movie.block[1]}` : movie.block[0]} threads` +
  (movie.shared ? `, ${movie.shared.toLocaleString('en')} bytes of dynamic shared memory` : '');
document.body.append(el('main', {},
  el('header', { class: 'top' }, el('h1', {}, movie.kernel), el('p', { class: 'soft' }, `${shape}. Recorded on the simulator, ${movie.written}.`)),
  movie.blocks.length && steps().length ? null : el('p', {}, 'No thread of this launch touched memory or met another.'),
  findings ? findings.node : null, controls, el('div', { class: 'stage' }, el('div', {}, source, grid), el('div', {}, threads, shared, global)),
  el('footer', {}, el('p', {}, 'The simulator runs thread after thread. Here their accesses are laid side by side as a warp would make them: ' +
    'of its lanes, those that are furthest behind go next, and warps take turns. A step is an access to memory, a barrier, a meeting of lanes or an end; ' +
    'so a thread\'s line is that of its last one, and what it computes between two is not seen. It says nothing about time.'))));

addEventListener('keydown', event => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.tagName === 'SELECT') return;
  const acts = { ArrowRight: () => move(1), ArrowLeft: () => move(-1), Home: () => go(at.block, 0), End: () => go(at.block, steps().length - 1), n: jump };
  if (event.key === ' ' && event.target.tagName !== 'BUTTON') timer ? pause() : play();
  else if (acts[event.key]) pause(), acts[event.key]();
  else return;
  event.preventDefault();
});
addEventListener('resize', show);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
if (placed.length) go(...placed[0].at); else show();
