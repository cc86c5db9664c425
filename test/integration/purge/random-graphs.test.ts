import { defineEntity, p } from '@mikro-orm/postgresql';
import fc from 'fast-check';
import { createPurge, PurgeService, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const TABLES = ['apple', 'berry', 'cherry'] as const;
const ENTITIES = ['Apple', 'Berry', 'Cherry'];
const ROWS = 6;
const RULES = ['no action', 'restrict', 'cascade', 'set null'] as const;
const DELETED = { active: 'null', kept: "now() - interval '29 days'", due: "now() - interval '31 days'" } as const;

type Rule = (typeof RULES)[number];
type State = keyof typeof DELETED;

/** Ids run through all tables: 1 to 6 are apples, 7 to 12 berries, 13 to 18 cherries. */
interface Graph {
  /** What each table's key to each of the three tables does; the last is that of a plain table, which the ORM does not map. */
  readonly rules: readonly (readonly Rule[])[];
  readonly states: readonly State[];
  readonly references: readonly { readonly from: number; readonly to: number }[];
  readonly plain: readonly number[];
}

const total = ROWS * TABLES.length;
const tableOf = (id: number) => Math.floor((id - 1) / ROWS);
const id = fc.integer({ min: 1, max: total });
const rule = fc.constantFrom(...RULES);
const graphs: fc.Arbitrary<Graph> = fc.record({
  rules: fc.array(fc.array(rule, { minLength: 3, maxLength: 3 }), { minLength: 4, maxLength: 4 }),
  states: fc.array(
    fc.oneof(
      { arbitrary: fc.constant<State>('due'), weight: 6 },
      { arbitrary: fc.constantFrom<State>('active', 'kept'), weight: 1 },
    ),
    { minLength: total, maxLength: total },
  ),
  // A row has one key per table, so one reference to each.
  references: fc.uniqueArray(fc.record({ from: id, to: id }), {
    maxLength: 14,
    selector: ({ from, to }) => `${from}-${tableOf(to)}`,
  }),
  plain: fc.array(id, { maxLength: 3 }),
});

const entities = TABLES.map((tableName, i) =>
  softDeletable(
    defineEntity({
      name: ENTITIES[i]!,
      tableName,
      properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
    }),
    { retention: '30d' },
  ),
);

/** By the contract, one rule after the other: which due rows stay, and how many each key keeps. */
function expected({ rules, states, references, plain }: Graph) {
  const stays = (row: number) => states[row - 1] !== 'due' || blocked.has(row);
  const blocked = new Set<number>();
  const refuses = (to: number) => ['no action', 'restrict'].includes(rules[3]![tableOf(to)]!);
  for (let before = -1; before !== blocked.size;) {
    before = blocked.size;
    for (const { from, to } of references) {
      if (from !== to && states[to - 1] === 'due' && stays(from)) {
        blocked.add(to);
      }
    }
    plain.filter((to) => states[to - 1] === 'due' && refuses(to)).forEach((to) => blocked.add(to));
  }
  const keyOf = (source: string, to: number) => `${source}_${TABLES[tableOf(to)]}_fkey`;
  const keeps = (source: string, to: number) => `${keyOf(source, to)} ${to}`;
  const kept = new Set([
    ...references
      .filter(({ from, to }) => from !== to && blocked.has(to) && stays(from))
      .map(({ from, to }) => keeps(TABLES[tableOf(from)]!, to)),
    ...plain.filter((to) => blocked.has(to) && refuses(to)).map((to) => keeps('plain', to)),
  ]);
  /** By key, which rows stay and need the row. */
  const blockersOf = (to: number) => {
    const sources = references.filter(
      (reference) => reference.to === to && reference.from !== to && stays(reference.from),
    );
    const plains = refuses(to) ? plain.flatMap((row, n) => (row === to ? [String(n + 1)] : [])) : [];
    return Object.fromEntries([
      ...[...Map.groupBy(sources, ({ from }) => keyOf(TABLES[tableOf(from)]!, to))].map(
        ([key, rows]) => [key, rows.map(({ from }) => from).toSorted((a, b) => a - b)] as const,
      ),
      ...(plains.length > 0 ? [[keyOf('plain', to), plains]] : []),
    ]);
  };
  return {
    left: states.flatMap((_, i) => (stays(i + 1) ? [i + 1] : [])),
    entities: ENTITIES.map((entity, t) => {
      const due = states.flatMap((state, i) => (state === 'due' && tableOf(i + 1) === t ? [i + 1] : []));
      const blockedBy: Record<string, number> = {};
      for (const key of kept) {
        const [constraint, to] = key.split(' ') as [string, string];
        if (tableOf(Number(to)) === t) {
          blockedBy[constraint] = (blockedBy[constraint] ?? 0) + 1;
        }
      }
      const count = due.filter((row) => blocked.has(row)).length;
      return { entity, purged: due.length - count, blocked: count, failed: 0, locked: 0, blockedBy };
    }),
    explained: states.map((state, i) => ({
      key: i + 1,
      state: { active: 'active', kept: 'waiting', due: blocked.has(i + 1) ? 'blocked' : 'removable' }[state],
      blockedBy: blocked.has(i + 1) ? blockersOf(i + 1) : {},
    })),
    plain: plain.filter((to) => stays(to) || rules[3]![tableOf(to)] === 'set null').length,
  };
}

describe(PurgeService.name, () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm(entities, { debug: false }, false);
    const keys = TABLES.map((to) => `${to}_id int`).join(', ');
    await test.database.query(`create table plain (n serial primary key, ${keys})`);
    for (const from of [...TABLES, 'plain']) {
      for (const to of TABLES) {
        const add = from === 'plain' ? '' : `alter table ${from} add ${to}_id int;`;
        await test.database.query(`${add} create index on ${from} (${to}_id)`);
      }
    }
  });
  afterAll(() => test.close());

  const create = ({ rules, states, references, plain }: Graph) => {
    const constraints = [...TABLES, 'plain'].flatMap((from, f) =>
      TABLES.map(
        (to, t) => `alter table ${from} drop constraint if exists ${from}_${to}_fkey;
          alter table ${from} add constraint ${from}_${to}_fkey foreign key (${to}_id) references ${to} on delete ${rules[f]![t]!};`,
      ),
    );
    const rows = states.map(
      (state, i) => `insert into ${TABLES[tableOf(i + 1)]} (id, deleted_at) values (${i + 1}, ${DELETED[state]});`,
    );
    const links = references.map(
      ({ from, to }) => `update ${TABLES[tableOf(from)]} set ${TABLES[tableOf(to)]}_id = ${to} where id = ${from};`,
    );
    const plains = plain.map((to) => `insert into plain (${TABLES[tableOf(to)]}_id) values (${to});`);
    return test.database.query(
      [`truncate ${TABLES.join(', ')}, plain restart identity;`, ...constraints, ...rows, ...links, ...plains].join(
        '\n',
      ),
    );
  };
  const read = async () =>
    (
      await test.database.query(`
        select (select coalesce(array_agg(r order by r->'id'), '{}') from (${TABLES.map((table) => `select to_jsonb(t) - 'deleted_at' as r from ${table} as t`).join(' union all ')}) as x) as rows,
          (select count(*)::int from plain) as plain`)
    )[0];
  const counts = ({ entities: all }: Awaited<ReturnType<PurgeService['run']>>) =>
    all
      .map(({ entity, purged, blocked, failed, locked, blockedBy }) => ({
        entity,
        purged,
        blocked,
        failed,
        locked,
        blockedBy: Object.fromEntries(blockedBy.map(({ constraint, rows }) => [constraint, rows])),
      }))
      .toSorted((a, b) => a.entity.localeCompare(b.entity));

  const explain = async (purge: PurgeService) => {
    const ids = TABLES.map((_, t) => Array.from({ length: ROWS }, (__, i) => t * ROWS + i + 1));
    const answers = [];
    for (const [t, keys] of ids.entries()) {
      answers.push(...(await purge.explain(ENTITIES[t]!, keys)));
    }
    return answers.map(({ key, state, blockedBy }) => ({
      key,
      state,
      blockedBy: Object.fromEntries(
        blockedBy.map(({ constraint, rows, keys }) => {
          expect(keys).toHaveLength(rows);
          return [constraint, keys.toSorted((a, b) => Number(a) - Number(b))];
        }),
      ),
    }));
  };

  it('removes exactly what nothing needs, as its dry run and its explanations say, whatever references what', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        await create(graph);
        const before = await read();
        const purge = createPurge(test.orm, { brake: false, pauseBetweenBatches: 0 });
        const wanted = expected(graph);

        expect(counts(await purge.run({ dryRun: true }))).toEqual(wanted.entities);
        expect(await read()).toEqual(before);
        const explained = await explain(purge);
        expect(counts(await purge.run())).toEqual(wanted.entities);
        expect(explained).toEqual(wanted.explained);
        expect(await read()).toEqual({
          // What stays has lost none of its references.
          rows: (before!.rows as { id: number }[]).filter((row) => wanted.left.includes(row.id)),
          plain: wanted.plain,
        });
      }),
      { numRuns: Number(process.env['PURGE_GRAPHS'] ?? 25) },
    );
  });
});
