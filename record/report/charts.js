// Curves in SVG: a cursor that follows the pointer or the arrow keys, zoom by dragging, series that can be hidden.
'use strict';

const SVG = 'http://www.w3.org/2000/svg';

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Four digits that matter: 0.05, 2.302, 1.2e-8, 12345. */
function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2).replace('e+', 'e');
  if (size >= 1000) return value.toFixed(0);
  return String(Number(value.toPrecision(4)));
}

/** Places for about `count` ticks at 1, 2 or 5 times a power of ten. */
function ticks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= raw * 0.999);
  const places = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; ++i) places.push(i * step);
  return places;
}

/** Of a logarithmic axis, as logarithms: powers of ten, and 2 and 5 times them where these are few. */
function logTicks(low, high) {
  const few = high - low < 2.2, places = [];
  const stride = Math.max(1, Math.ceil((high - low) / 6));
  for (let power = Math.floor(low); power <= high; ++power)
    for (const factor of few ? [1, 2, 5] : [1])
      if (few || power % stride === 0) places.push(power + Math.log10(factor));
  return places.filter(place => place >= low && place <= high);
}

/** What a page remembers while it loads itself anew; nothing where the browser keeps nothing for files. */
const memory = {
  get(key) { try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; } },
  set(key, value) { try { sessionStorage.setItem(key, JSON.stringify(value)); } catch { /* then not */ } },
};

const tip = {
  node: null,
  show(x, y, children) {
    if (!this.node) {
      this.node = el('div', { id: 'tip', role: 'status' });
      document.body.append(this.node);
    }
    this.node.replaceChildren(...children);
    this.node.hidden = false;
    const box = this.node.getBoundingClientRect();
    const left = x + 16 + box.width > innerWidth ? x - 16 - box.width : x + 16;
    this.node.style.left = Math.max(4, left) + 'px';
    this.node.style.top = Math.max(4, Math.min(innerHeight - box.height - 4, y + 12)) + 'px';
  },
  hide() { if (this.node) this.node.hidden = true; },
};

/**
 * A card with curves.
 *   title, xLabel   texts;   log: whether y starts as a logarithm, and can be switched
 *   series          [{name, color, x, y, low, high, dots}]: low and high draw a band behind the curve
 */
class LineChart {
  constructor(options) {
    this.o = options;
    this.hidden = new Set();
    this.log = Boolean(options.log);
    this.range = memory.get('zoom ' + options.title);
    this.cursor = null;
    this.legend = el('div', { class: 'legend' });
    this.tools = el('div', { class: 'buttons' });
    this.svg = svg('svg', { class: 'chart', tabindex: 0, role: 'img', 'aria-label': this.description() });
    this.node = el('div', { class: 'card' + (options.wide ? ' wide' : '') },
      el('div', { class: 'head' }, el('h3', {}, options.title), this.tools), this.legend, this.svg);
    this.listen();
    this.makeLegend();
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  description() {
    const last = s => s.name + ' ends at ' + short(s.y[s.y.length - 1]);
    return `${this.o.title} by ${this.o.xLabel}: ` + this.o.series.map(last).join(', ');
  }

  makeLegend() {
    if (this.o.series.length > 1)
      for (const s of this.o.series) {
        const button = el('button', { type: 'button', 'aria-pressed': 'true' },
          el('i', { style: 'background:' + s.color }), s.name);
        button.addEventListener('click', () => {
          if (!this.hidden.delete(s)) this.hidden.add(s);
          button.setAttribute('aria-pressed', String(!this.hidden.has(s)));
          this.draw();
        });
        this.legend.append(button);
      }
    if (this.o.log !== undefined) {
      const button = el('button', { type: 'button', 'aria-pressed': String(this.log) }, 'log');
      button.addEventListener('click', () => {
        this.log = !this.log;
        button.setAttribute('aria-pressed', String(this.log));
        this.draw();
      });
      this.tools.append(button);
    }
    this.reset = el('button', { type: 'button', hidden: !this.range, onclick: () => this.zoom(null) }, 'whole');
    this.tools.append(this.reset);
  }

  zoom(range) {
    this.range = range;
    this.reset.hidden = !range;
    memory.set('zoom ' + this.o.title, range);
    this.draw();
  }

  shown() { return this.o.series.filter(s => !this.hidden.has(s) && s.x.length); }
  usable(y) { return y !== null && Number.isFinite(y) && (!this.log || y > 0); }

  /** The part of the axes that is shown. */
  limits() {
    let [x0, x1] = this.range || [Infinity, -Infinity];
    if (!this.range)
      for (const s of this.shown()) {
        x0 = Math.min(x0, s.x[0]);
        x1 = Math.max(x1, s.x[s.x.length - 1]);
      }
    if (!(x1 > x0)) { x0 = Number.isFinite(x0) ? x0 - 1 : 0; x1 = x0 + 2; }
    let y0 = Infinity, y1 = -Infinity;
    for (const s of this.shown())
      s.x.forEach((x, i) => {
        if (x < x0 || x > x1 || !this.usable(s.y[i])) return;
        y0 = Math.min(y0, s.y[i]);
        y1 = Math.max(y1, s.y[i]);
      });
    if (!Number.isFinite(y0)) { y0 = this.log ? 0.1 : 0; y1 = 1; }
    if (this.log) { y0 = Math.log10(y0); y1 = Math.log10(y1); }
    if (y0 === y1) { y0 -= Math.abs(y0) / 10 || 0.5; y1 += Math.abs(y1) / 10 || 0.5; }
    const room = (y1 - y0) * 0.06;
    return { x0, x1, y0: !this.log && y0 >= 0 && y0 < room * 4 ? 0 : y0 - room, y1: y1 + room };
  }

  draw() {
    const width = this.svg.clientWidth, height = this.svg.clientHeight;
    if (!width) return;
    const l = this.limits();
    const box = this.box = { left: 52, top: 10, right: width - 12, bottom: height - 36 };
    this.toX = x => box.left + (x - l.x0) / (l.x1 - l.x0) * (box.right - box.left);
    this.toY = y => box.bottom - ((this.log ? Math.log10(y) : y) - l.y0) / (l.y1 - l.y0) * (box.bottom - box.top);
    this.fromX = px => l.x0 + (px - box.left) / (box.right - box.left) * (l.x1 - l.x0);
    const clip = 'clip' + (LineChart.count = (LineChart.count || 0) + 1);
    const parts = [svg('clipPath', { id: clip })];
    parts[0].append(svg('rect', { x: box.left - 4, y: 0, width: Math.max(0, box.right - box.left + 8), height: box.bottom + 4 }));
    this.drawAxes(parts, l);
    const curves = svg('g', { 'clip-path': `url(#${clip})` });
    for (const s of this.shown()) this.drawSeries(curves, s);
    this.marks = svg('g', {});
    this.svg.replaceChildren(...parts, curves, this.marks);
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  }

  drawAxes(parts, l) {
    const { left, right, top, bottom } = this.box;
    const places = this.log ? logTicks(l.y0, l.y1) : ticks(l.y0, l.y1, (bottom - top) / 42);
    for (const t of places) {
      const y = this.toY(this.log ? Math.pow(10, t) : t);
      if (y > bottom + 1 || y < top - 1) continue;
      parts.push(svg('line', { class: 'rule', x1: left, x2: right, y1: y, y2: y }),
        svg('text', { x: left - 8, y: y + 4, 'text-anchor': 'end' }, short(this.log ? Math.pow(10, t) : t)));
    }
    const xs = ticks(l.x0, l.x1, (right - left) / 65).filter(t => l.x1 - l.x0 < 3 || Number.isInteger(t));
    for (const t of xs)
      parts.push(svg('text', { x: this.toX(t), y: bottom + 17, 'text-anchor': 'middle' }, short(t)));
    parts.push(svg('line', { class: 'axis', x1: left, x2: right, y1: bottom, y2: bottom }),
      svg('text', { x: (left + right) / 2, y: bottom + 33, 'text-anchor': 'middle' }, this.o.xLabel));
  }

  drawSeries(onto, s) {
    let line = '', open = false;
    s.x.forEach((x, i) => {
      if (!this.usable(s.y[i])) { open = false; return; }
      line += `${open ? 'L' : 'M'}${this.toX(x).toFixed(1)} ${this.toY(s.y[i]).toFixed(1)}`;
      open = true;
    });
    if (s.low && s.low.every(y => this.usable(y))) {
      const edge = ys => s.x.map((x, i) => `${this.toX(x).toFixed(1)} ${this.toY(ys[i]).toFixed(1)}`);
      onto.append(svg('path', { class: 'band', style: 'fill:' + s.color,
        d: 'M' + edge(s.high).concat(edge(s.low).reverse()).join('L') + 'Z' }));
    }
    onto.append(svg('path', { class: 'curve', style: 'stroke:' + s.color, d: line }));
    if (s.dots && s.x.length <= 60)
      s.x.forEach((x, i) => {
        if (this.usable(s.y[i]))
          onto.append(svg('circle', { cx: this.toX(x), cy: this.toY(s.y[i]), r: 2.6, style: 'fill:' + s.color }));
      });
  }

  /** The values of all series nearest to a place on the x axis. */
  point(x) {
    const nearest = s => {
      let low = 0, high = s.x.length - 1;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (s.x[middle] < x) low = middle; else high = middle;
      }
      return Math.abs(s.x[low] - x) <= Math.abs(s.x[high] - x) ? low : high;
    };
    const found = this.shown().map(s => ({ s, i: nearest(s) }));
    if (!found.length) return null;
    const at = found.reduce((a, b) =>
      Math.abs(a.s.x[a.i] - x) <= Math.abs(b.s.x[b.i] - x) ? a : b);
    return { x: at.s.x[at.i], found };
  }

  hover(x, clientX, clientY) {
    const point = this.point(x);
    if (!point) return;
    this.cursor = point.x;
    const px = this.toX(point.x);
    this.marks.replaceChildren(
      svg('line', { class: 'cursor', x1: px, x2: px, y1: this.box.top, y2: this.box.bottom }),
      ...point.found.filter(({ s, i }) => this.usable(s.y[i])).map(({ s, i }) =>
        svg('circle', { cx: this.toX(s.x[i]), cy: this.toY(s.y[i]), r: 4, style: 'fill:' + s.color })));
    const rows = point.found.map(({ s, i }) => el('div', {},
      el('span', {}, el('i', { style: 'background:' + s.color }), s.name,
        s.x[i] === point.x ? '' : ` (${short(s.x[i])})`), el('b', {}, short(s.y[i]))));
    tip.show(clientX, clientY, [el('div', { class: 'soft' }, `${this.o.xLabel} ${short(point.x)}`), ...rows.slice(0, 14)]);
  }

  leave() {
    this.cursor = null;
    if (this.marks) this.marks.replaceChildren();
    tip.hide();
  }

  listen() {
    let from = null;
    const place = event => event.clientX - this.svg.getBoundingClientRect().left;
    this.svg.addEventListener('pointerdown', event => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      from = place(event);
      this.svg.setPointerCapture(event.pointerId);
    });
    this.svg.addEventListener('pointermove', event => {
      if (!this.box) return;
      this.hover(this.fromX(place(event)), event.clientX, event.clientY);
      if (from === null) return;
      const { top, bottom } = this.box, to = place(event);
      this.marks.append(svg('rect', { class: 'drag', x: Math.min(from, to), y: top, width: Math.abs(to - from), height: bottom - top }));
    });
    this.svg.addEventListener('pointerup', event => {
      const to = place(event), start = from;
      from = null;
      if (start === null || Math.abs(to - start) < 8) return;
      this.zoom([this.fromX(Math.min(start, to)), this.fromX(Math.max(start, to))]);
    });
    this.svg.addEventListener('pointercancel', () => { from = null; this.leave(); });
    this.svg.addEventListener('pointerleave', () => this.leave());
    this.svg.addEventListener('blur', () => this.leave());
    this.svg.addEventListener('dblclick', () => this.zoom(null));
    this.svg.addEventListener('keydown', event => this.key(event));
  }

  /** Arrows move the cursor, plus zooms in around it, minus and Escape show the whole. */
  key(event) {
    const l = this.limits(), step = (l.x1 - l.x0) / 60, r = this.svg.getBoundingClientRect();
    const x = this.cursor === null ? (l.x0 + l.x1) / 2 : this.cursor;
    const go = to => this.hover(Math.max(l.x0, Math.min(l.x1, to)), r.left + this.toX(Math.max(l.x0, Math.min(l.x1, to))), r.top + 20);
    const xs = this.shown().flatMap(s => s.x).filter(v => v >= l.x0 && v <= l.x1);
    if (event.key === 'ArrowRight') go(Math.max(x + step, Math.min(...xs.filter(v => v > x), l.x1)));
    else if (event.key === 'ArrowLeft') go(Math.min(x - step, Math.max(...xs.filter(v => v < x), l.x0)));
    else if (event.key === '+') this.zoom([Math.max(l.x0, x - step * 15), Math.min(l.x1, x + step * 15)]);
    else if (event.key === '-' || event.key === 'Escape') { this.zoom(null); this.leave(); }
    else return;
    event.preventDefault();
  }
}
