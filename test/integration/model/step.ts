import fc from 'fast-check';
import type { Kind } from './kinds.js';

/** What one step does. The numbers choose among what there is to choose from when it runs, so that any sequence is valid. */
export interface Step {
  readonly op: Op;
  /** Which entity manager; the highest number is one of the other ORM's. */
  readonly em: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const WEIGHTS = {
  create: 4,
  rename: 3,
  retype: 4,
  restate: 2,
  move: 3,
  reslug: 1,
  remove: 6,
  removeStale: 3,
  removePlain: 2,
  removeWithUnsaved: 2,
  removeLate: 3,
  persistAgain: 1,
  recreate: 2,
  collectionRemove: 3,
  collectionSet: 3,
  collectionSetUnloaded: 2,
  tags: 2,
  replaceCover: 3,
  softDelete: 4,
  nativeDelete: 1,
  restore: 5,
  hardDelete: 1,
  withoutTenant: 1,
  parallel: 2,
  find: 4,
  findOne: 3,
  count: 2,
  populate: 4,
  populateReference: 2,
  collection: 4,
  condition: 2,
  pages: 1,
  flush: 6,
  begin: 2,
  commit: 1,
  rollback: 2,
  fresh: 1,
} as const;

export type Op = keyof typeof WEIGHTS;

const ops = Object.entries(WEIGHTS).map(([op, weight]) => ({ arbitrary: fc.constant(op as Op), weight }));

export const NEIGHBOUR_EM = 5;

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.oneof(...ops),
  em: fc.nat(NEIGHBOUR_EM),
  a: fc.nat(999),
  b: fc.nat(999),
  c: fc.nat(999),
});

/** From this number on, a row of the graph belongs to another tenant. */
export const OTHER_TENANT = 10;

/** The first rows: per kind, what each row points at. */
export type Graph = Readonly<Record<Kind | 'link', readonly number[]>>;

const numbers = (maxLength: number) => fc.array(fc.nat(OTHER_TENANT + 3), { maxLength });

const graph: fc.Arbitrary<Graph> = fc.record({
  folder: fc.array(fc.nat(OTHER_TENANT - 1), { minLength: 1, maxLength: 4 }),
  doc: numbers(4),
  review: numbers(3),
  lease: numbers(1),
  mark: numbers(2),
  note: numbers(2),
  entry: numbers(3),
  shelf: numbers(2),
  box: numbers(2),
  item: numbers(2),
  cover: numbers(2),
  tag: numbers(2),
  link: numbers(3),
  team: numbers(2),
  member: numbers(2),
});

/** Where a sequence runs. */
export interface Setting {
  /** In which of the ORMs; the other one is the neighbour. */
  readonly home: number;
  /** Whether an ORM without soft deletion has been initialised last. */
  readonly stranger: number;
}

export interface Sequence {
  readonly setting: Setting;
  readonly graph: Graph;
  readonly steps: readonly Step[];
}

const setting: fc.Arbitrary<Setting> = fc.record({ home: fc.nat(1), stranger: fc.nat(1) });

/** @param length - how many steps */
export const sequences = (length: number): fc.Arbitrary<Sequence> =>
  fc.record({ setting, graph, steps: fc.array(step, { minLength: length, maxLength: length }) });

/** A sequence in a form that `MODEL_REPLAY` reads. */
export function formatSequence({ setting: { home, stranger }, graph: rows, steps }: Sequence): string {
  const start = Object.entries(rows).map(([kind, numbers]) => `${kind}=${numbers.join('.')}`);
  const words = steps.map(({ op, em, a, b, c }) => `${op}:${em}.${a}.${b}.${c}`);
  return [`setting=${home}.${stranger}`, ...start, ...words].join(' ');
}

export function parseSequence(text: string): Sequence {
  const rows: Record<string, number[]> = {};
  const steps: Step[] = [];
  for (const word of text.trim().split(/\s+/)) {
    const [name, values] = word.split(/[=:]/) as [string, string];
    const list = values === '' ? [] : values.split('.').map(Number);
    if (word.includes('=')) {
      rows[name] = list;
    } else {
      steps.push({ op: name as Op, em: list[0]!, a: list[1]!, b: list[2]!, c: list[3]! });
    }
  }
  const { setting: [home = 0, stranger = 0] = [], ...graphRows } = rows;
  return { setting: { home, stranger }, graph: graphRows as unknown as Graph, steps };
}
