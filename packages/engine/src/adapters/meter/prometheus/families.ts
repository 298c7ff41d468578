/**
 * Counters, gauges and histograms over plain numbers, and their lines in the text form of Prometheus
 * (prometheus.io/docs/instrumenting/exposition_formats). prom-client takes a histogram one observation at a time, through
 * objects of labels; here one costs a look along a row of numbers.
 */
export interface Family {
  readonly name: string;
  /** As the text form has it, with its HELP and TYPE. */
  text(): string;
}

interface About {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface Counter extends Family {
  /** `values` are those of the labels, in their order and joined by a space, which none of them holds. */
  add(values: string, by?: number): void;
}

/** `from`: what is shown as 0 before it first happens, so that its first time is a step that a rate can see. */
export function counter(about: About & { readonly from?: readonly string[] }): Counter {
  const { labels = [], from = labels.length === 0 ? [''] : [] } = about;
  const counts = new Map<string, number>(from.map((values) => [values, 0]));
  return {
    name: about.name,
    add(values, by = 1) {
      counts.set(values, (counts.get(values) ?? 0) + by);
    },
    text: () =>
      familyText(
        about,
        'counter',
        [...counts].map(([values, count]) => line(about.name, pairs(labels, values), count)),
      ),
  };
}

/** `look` is asked for each text: a number, or one for each value of the label. What is undefined is left out. */
export function gauge(about: About, look: () => number | undefined | Readonly<Record<string, number>>): Family {
  const { name, labels = [] } = about;
  return {
    name,
    text() {
      const seen = look();
      const all: [string, number | undefined][] = typeof seen === 'object' ? Object.entries(seen) : [['', seen]];
      const lines = all.flatMap(([values, value]) => (value === undefined ? [] : [line(name, pairs(labels, values), value)]));
      return familyText(about, 'gauge', lines);
    },
  };
}

export interface Histogram extends Family {
  observe(value: number, values?: string): void;
}

interface Row {
  /** One for each bound, and one for what is above them all; each counts its own bucket alone. */
  readonly counts: number[];
  sum: number;
}

/** `bounds` ascend. */
export function histogram(about: About & { readonly bounds: readonly number[] }): Histogram {
  const { name, labels = [], bounds } = about;
  const rows = new Map<string, Row>();
  const rowOf = (values: string): Row => {
    const known = rows.get(values);
    if (known !== undefined) return known;
    const row: Row = { counts: Array<number>(bounds.length + 1).fill(0), sum: 0 };
    rows.set(values, row);
    return row;
  };
  if (labels.length === 0) rowOf('');

  function linesOf(values: string, row: Row): string[] {
    const own = pairs(labels, values);
    let count = 0;
    const buckets = [...bounds, '+Inf'].map((bound, index) => {
      count += row.counts[index] ?? 0;
      return line(`${name}_bucket`, [...own, pair('le', String(bound))], count);
    });
    return [...buckets, line(`${name}_sum`, own, row.sum), line(`${name}_count`, own, count)];
  }

  return {
    name,
    observe(value, values = '') {
      const row = rowOf(values);
      let at = 0;
      while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1;
      row.counts[at] = (row.counts[at] ?? 0) + 1;
      row.sum += value;
    },
    text: () =>
      familyText(
        about,
        'histogram',
        [...rows].flatMap(([values, row]) => linesOf(values, row)),
      ),
  };
}

function familyText({ name, help }: About, kind: string, lines: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines, ''].join('\n');
}

function line(name: string, labels: readonly string[], value: number): string {
  return `${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${value}`;
}

function pairs(labels: readonly string[], values: string): string[] {
  const each = values.split(' ');
  return labels.map((label, index) => pair(label, each[index] ?? ''));
}

function pair(label: string, value: string): string {
  return `${label}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
