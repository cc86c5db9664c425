// Tables that differ in nothing but the kind of their indexes: all rows, or active rows only.
import { median, timed } from '../support/measure.mjs';

const INDEXES = {
  full_indexes: (t) => [
    `create unique index ${t}_code on ${t} (code)`,
    `create index ${t}_due on ${t} (due)`,
    `create index ${t}_owner on ${t} (owner, due)`,
  ],
  partial_indexes: (t) => [
    `create unique index ${t}_code on ${t} (code) where deleted_at is null`,
    `create index ${t}_due on ${t} (due) where deleted_at is null`,
    `create index ${t}_owner on ${t} (owner, due) where deleted_at is null`,
  ],
};

const KINDS = Object.keys(INDEXES);

/** What applications ask. Every value comes around: no query is asked of the same rows twice in a row. */
const QUERIES = {
  'count of a range': (t, i, rows) => [
    `select count(*) from ${t} where deleted_at is null and due >= $1 and due < $2`,
    [(i * 7919) % rows, ((i * 7919) % rows) + rows / 20],
  ],
  'count per owner': (t, i) => [`select count(*) from ${t} where deleted_at is null and owner = $1`, [i % 100]],
  'range of keys in order': (t, i, rows) => [
    `select due from ${t} where deleted_at is null and due >= $1 and due < $2 order by due`,
    [(i * 7919) % rows, ((i * 7919) % rows) + rows / 50],
  ],
  'page of whole rows in order': (t, i, rows) => [
    `select * from ${t} where deleted_at is null and due >= $1 order by due limit 100`,
    [(i * 7919) % (rows * 0.9)],
  ],
  'one row by unique value': (t, i, rows) => [
    `select * from ${t} where deleted_at is null and code = $1`,
    [`code ${((i * 7919) % rows) + 1}`],
  ],
};

const WANTED = { 1: 1 / 1.05, 50: 2, 90: 4 };
/** What the wish for a factor is about; the other queries must not be slower. */
const COUNTS_AND_RANGES = new Set(['count of a range', 'count per owner', 'range of keys in order']);

export async function* compareShares({ server, rows }) {
  for (const share of [1, 50, 90]) {
    await server.create(
      'schema_bench',
      KINDS.flatMap((t) => [
        `create table ${t} (id int primary key, code text not null, due int not null, owner int not null,
           note text not null, deleted_at timestamptz)`,
        `insert into ${t} select i, 'code ' || i, (i::bigint * 48271) % ${rows}, (i::bigint * 16807) % 9973 % 100, repeat('x', 100),
           case when (i::bigint * 7919) % 100 < ${share} then now() - i * interval '1 second' end from generate_series(1, ${rows}) i`,
        ...INDEXES[t](t),
        `vacuum analyze ${t}`,
      ]),
    );
    const client = await server.connect('schema_bench');
    try {
      const size = async (t) =>
        Number(
          (
            await client.query(
              `select sum(pg_relation_size(indexrelid)) as size from pg_index where indrelid = $1::regclass and not indisprimary`,
              [`${t}`],
            )
          ).rows[0].size,
        );
      const [full, partial] = [await size('full_indexes'), await size('partial_indexes')];
      yield {
        share,
        what: 'size of the indexes',
        full: full / 2 ** 20,
        partial: partial / 2 ** 20,
        unit: 'MB',
        ratio: full / partial,
        atLeast: 1 / 1.05,
      };
      for (const [what, query] of Object.entries(QUERIES)) {
        const [a, b] = await measure(client, query, rows);
        const atLeast = share === 1 || COUNTS_AND_RANGES.has(what) ? WANTED[share] : 1 / 1.05;
        yield { share, what, full: a, partial: b, unit: 'ms', ratio: a / b, atLeast };
      }
    } finally {
      await client.end();
    }
  }
  await server.drop('schema_bench');
}

/** Medians of rounds that take turns, so that whatever else the machine does concerns both. */
async function measure(client, query, rows) {
  const times = Object.fromEntries(KINDS.map((t) => [t, []]));
  // What takes a fraction of a millisecond is asked twenty times in a row: the clock and the socket would be the measure.
  const inOneRound = 20;
  const round = async (t, i) => {
    const { ms } = await timed(async () => {
      for (let k = 0; k < inOneRound; k += 1) {
        const [text, values] = query(t, i * inOneRound + k, rows);
        await client.query({ text, values });
      }
    });
    return ms / inOneRound;
  };
  for (const t of KINDS) {
    await round(t, 0);
  }
  const started = performance.now();
  for (let i = 1; i <= 200 && (i <= 7 || performance.now() - started < 5_000); i += 1) {
    for (const t of i % 2 ? KINDS : KINDS.toReversed()) {
      times[t].push(await round(t, i));
    }
  }
  return KINDS.map((t) => median(times[t]));
}
