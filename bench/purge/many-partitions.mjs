import { median, result } from '../support/measure.mjs';

const ROUNDS = 3;
const LARGE = 5_000;

/** Where a statement takes long to plan whatever it removes: the time of a purge against one in batches that were chosen large. */
export async function* manyPartitions({ server, withOrm, createPurge, rows }) {
  const due = rows(30_000);
  for (const partitions of [0, 200, 1_000]) {
    await server.create('template_items', createPartitions(due * 2, due, partitions));
    const run = async (options) => {
      await server.copy('items', 'template_items');
      return withOrm('items', async (orm) => {
        const start = performance.now();
        const { entities } = await createPurge(orm, { pauseBetweenBatches: 0, brake: false, ...options }).run();
        return { seconds: (performance.now() - start) / 1_000, ...entities[0] };
      });
    };
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
      const fixed = await run({ batchSize: LARGE });
      const adapted = await run({});
      rounds.push({ fixed, adapted, ratio: adapted.seconds / fixed.seconds });
    }
    const middle = median(rounds.map(({ ratio }) => ratio));
    const { fixed, adapted } = rounds.find(({ ratio }) => ratio === middle);
    yield result(`time over ${partitions} partitions against batches of ${LARGE}`, middle, {
      atMost: 2,
      details: `${adapted.purged.toLocaleString('en')} rows: ${adapted.seconds.toFixed(2)} s in ${adapted.batches} batches against ${fixed.seconds.toFixed(2)} s in ${fixed.batches}`,
    });
  }
}

function createPartitions(rows, due, partitions) {
  const columns = 'id int primary key, payload text not null, deleted_at timestamptz';
  return [
    `create table item (${columns})${partitions > 0 ? ' partition by hash (id)' : ''}`,
    ...Array.from(
      { length: partitions },
      (_, i) => `create table item_${i} partition of item for values with (modulus ${partitions}, remainder ${i})`,
    ),
    'create table note (id int primary key, item_id int not null)',
    `insert into item select n, repeat('x', 100), case when n <= ${due} then now() - interval '400 days' + n * interval '1 second' end
     from generate_series(1, ${rows}) as n`,
    `insert into note select n, n from generate_series(${due + 1}, ${due + 1_000}) as n`,
    'alter table note add foreign key (item_id) references item',
    'create index on note (item_id)',
    'create index on item (deleted_at, id) where deleted_at is not null',
    'analyze item',
    'analyze note',
  ];
}
